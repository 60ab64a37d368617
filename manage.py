#!/usr/bin/env python
"""Django's command line for mqadmin."""

import os
import sys


def main() -> None:
    """Run one management command."""
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("mqadmin: it needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info[:2]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
    from mqadmin import ending, stack

    ending.install()
    from django.core.management import execute_from_command_line

    stack.with_room(execute_from_command_line)(sys.argv)


if __name__ == "__main__":
    main()
