"""What a person can put right: shown as plain lines, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable


class Trouble(Exception):
    """Something outside mqadmin stands in the way. The text says what it is and what to do about it."""


def report(main: Callable[[], int | None]) -> None:
    """Run `main` and exit with its code; a Trouble becomes its text on stderr and exit code 1, Ctrl-C 130."""
    try:
        code = main() or 0
    except Trouble as trouble:
        sys.stdout.flush()
        print(f"\nmqadmin: {trouble}", file=sys.stderr, flush=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
