"""What a person can put right: shown as plain lines, never as a traceback."""

from __future__ import annotations

import os
import signal
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


def apart(work: Callable[[], None]) -> None:
    """Do it in a fork, so that this process keeps nothing of what it loads; end with its code if it fails."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        try:
            report(work)
        except SystemExit as end:
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1 if isinstance(end.code, str) else end.code or 0)
        finally:
            os._exit(1)
    try:
        _pid, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    code = os.waitstatus_to_exitcode(status)
    if code:
        sys.exit(code)


def _tell(text: str) -> int:
    sys.stdout.flush()
    print(f"\nmqadmin: {text}", file=sys.stderr, flush=True)
    return 1
