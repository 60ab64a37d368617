"""Handlers for trials: what they do stands in the body, and much of it no process survives."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any

from consumers.handlers.registry import Place, handler, option
from consumers.runtime.api import Delivery, Reject, Retry


@dataclass(frozen=True)
class Options:
    word: str = option("nothing")


def prepare(options: Options, place: Place) -> tuple[str, Place]:
    if options.word == "missing":
        raise ValueError("something on this host is missing")
    return options.word, place


@handler("tests.trial", title="Does what the body says", options=Options, prepare=prepare)
def trial(message: Delivery, options: tuple[str, Place]) -> None:
    what, _, rest = message.text.partition(":")
    message.log.info("attempt %d of %s, %s", message.attempt, message.message_id, options)
    actions: dict[str, Any] = {
        "ok": lambda: print(f"printed {rest}"),
        "fail": lambda: _fail(rest),
        "reject": lambda: _raise(Reject(rest)),
        "retry": lambda: _raise(Retry("later", delay=float(rest))),
        "hang": lambda: time.sleep(600),
        "swallow": _swallow,
        "exit": lambda: os._exit(int(rest)),
        "sys.exit": lambda: sys.exit(rest),
        "segfault": lambda: ctypes.string_at(0),
        "flood": _flood,
        "leave": lambda: _leave(rest),
        "close": lambda: os.closerange(0, 65_536),
    }
    actions[what]()


def _raise(error: Exception) -> None:
    raise error


def _fail(words: str) -> None:
    raise RuntimeError(words)


def _swallow() -> None:
    while True:
        try:
            time.sleep(600)
        except BaseException:  # noqa: S110
            pass


def _flood() -> None:
    """Print without end, in several threads."""
    for _number in range(3):
        threading.Thread(target=_print_forever).start()
    _print_forever()


def _print_forever() -> None:
    while True:
        print("x" * 10_000)


def _leave(path: str) -> None:
    """Start a process that would stay behind, and a thread that never ends."""
    child = subprocess.Popen(["sleep", "600"])
    with open(path, "w") as file:
        file.write(str(child.pid))
    threading.Thread(target=time.sleep, args=[600]).start()
