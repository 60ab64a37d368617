"""`python -m mqadmin`: the same as `mqadmin`."""

import sys

from mqadmin.command import main

if __name__ == "__main__":
    sys.exit(main())
