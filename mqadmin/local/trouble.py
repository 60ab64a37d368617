"""What a person can put right: shown as plain lines, never as a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

from mqadmin import ending


class Trouble(Exception):
    """Something outside mqadmin stands in the way. The text says what it is and what to do about it.

    `code`: the exit code of a process that ends by it.
    """

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


def report(main: Callable[[], int | None]) -> None:
    """Run `main` and exit with its code; a Trouble becomes its text on stderr and its exit code, Ctrl-C 130.

    So does a fault of a file, such as a full disk.
    """
    try:
        code = main() or 0
    except Trouble as trouble:
        code = _tell(str(trouble), trouble.code)
    except (OSError, ModuleNotFoundError) as error:
        text = ending.words(error)
        if not text:
            raise
        code = _tell(text, 1)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def apart(work: Callable[[], int | None]) -> None:
    """Do it in a fork, so that this process keeps nothing of what it loads; end with its code if it fails."""
    code = forked(lambda: report(work))
    if code:
        sys.exit(code)


def forked(work: Callable[[], int | None]) -> int:
    """Do it in a fork of this process and return its exit code. Of a process without threads."""
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        _end_with(work)
    try:
        _pid, status = os.waitpid(pid, 0)
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        raise
    return os.waitstatus_to_exitcode(status)


def _end_with(work: Callable[[], int | None]) -> NoReturn:
    """Nothing that waits for the end of the process that it was forked from is to be done here."""
    code: int | str | None = 1
    try:
        code = work()
    except SystemExit as end:
        code = end.code
    finally:
        if isinstance(code, str):
            print(code, file=sys.stderr)
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _tell(text: str, code: int) -> int:
    sys.stdout.flush()
    print(f"\nmqadmin: {text}", file=sys.stderr, flush=True)
    return code
