"""For processes of a test, through PYTHONPATH: the clock that people set, as TEST_CLOCK_FILE says.

While that file exists it holds the seconds by which the clock is wrong. What nobody can set stays: monotonic
time, and the time that the kernel counts from boot. Who is told another time than before leaves a line
"pid seconds" in the file of that name with .heard behind.
"""

import datetime
import os
import sqlite3
import time
from typing import Any, ClassVar

from psutil import _pslinux

_FILE = os.environ["TEST_CLOCK_FILE"]
_real = datetime.datetime
_real_time, _real_connect, _real_boot_time = time.time, sqlite3.connect, _pslinux.boot_time


_told = 0.0


def _wrong() -> float:
    global _told
    try:
        with open(_FILE) as file:
            found = float(file.read() or 0)
    except OSError:
        return 0.0
    if found != _told:
        _told = found
        with open(f"{_FILE}.heard", "a") as heard:
            heard.write(f"{os.getpid()} {found}\n")
    return found


def _time() -> float:
    return _real_time() + _wrong()


def _boot_time() -> float:
    """The kernel says when it booted by the clock of now."""
    return float(_real_boot_time()) + _wrong()


class _Kind(type):
    def __instancecheck__(cls, thing: object) -> bool:
        return isinstance(thing, _real)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, _real)


class _Datetime(_real, metaclass=_Kind):
    __slots__ = ()  # as large as the real one: compiled code looks
    min: ClassVar[_real] = _real.min
    max: ClassVar[_real] = _real.max

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return _real(*arguments, **named)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return _real.fromtimestamp(_time(), tz)


def _connect(*arguments: Any, **named: Any) -> Any:
    """SQLite's own idea of now, which Django asks for with STRFTIME(form, 'NOW')."""
    connection = _real_connect(*arguments, **named)

    def strftime(form: str, _now: str) -> str:
        moment = _real.fromtimestamp(_time(), datetime.UTC)
        return moment.strftime(form.replace("%f", f"{moment:%S}.{moment.microsecond // 1000:03d}"))

    connection.create_function("strftime", 2, strftime)
    return connection


time.time = _time
datetime.datetime = _Datetime  # type: ignore[misc]
sqlite3.connect = sqlite3.dbapi2.connect = _connect
_pslinux.boot_time = _boot_time
