"""What a person can put right: shown as plain lines, never as a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable

from mqadmin import ending


class Trouble(Exception):
    """Something outside mqadmin stands in the way. The text says what it is and what to do about it."""


def report(main: Callable[[], int | None]) -> None:
    """Run `main` and exit with its code; a Trouble becomes its text on stderr and exit code 1, Ctrl-C 130.

    So does a fault of a file, such as a full disk.
    """
    try:
        code = main() or 0
    except Trouble as trouble:
        code = _tell(str(trouble))
    except (OSError, ModuleNotFoundError) as error:
        text = ending.words(error)
        if not text:
            raise
        code = _tell(text)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _tell(text: str) -> int:
    sys.stdout.flush()
    print(f"\nmqadmin: {text}", file=sys.stderr, flush=True)
    return 1
