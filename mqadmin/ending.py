"""How a process ends that cannot go on: with a line where a person can put it right, else with a traceback."""

from __future__ import annotations

import errno
import os
import sys
from types import TracebackType

from mqadmin import place

_HINTS = {
    errno.ENOSPC: "Make room on that disk.",
    errno.EDQUOT: "Make room on that disk.",
    errno.EROFS: "MQADMIN_VAR must name a folder that can be written to.",
    errno.EACCES: "The user that mqadmin runs as needs the right to it.",
    errno.EPERM: "The user that mqadmin runs as needs the right to it.",
    errno.ENOTDIR: "MQADMIN_VAR must name a folder.",
    errno.EADDRINUSE: "Another program listens there.",
}
_OURS = ("mqadmin", "consumers", "deploy")


def install() -> None:
    """Have faults of the surroundings end this process in a line, whatever started it."""
    sys.excepthook = end


def words(error: BaseException) -> str:
    """Return in a line what a person can put right; "" for what is a mistake in the code."""
    if isinstance(error, ModuleNotFoundError):
        return missing(error)
    if isinstance(error, OSError):
        return _file(error)
    from django.core.exceptions import ImproperlyConfigured
    from django.db import Error
    from django.db.migrations.exceptions import InconsistentMigrationHistory

    if isinstance(error, Error):
        from mqadmin.core import database

        return database.words(error) if database.explains(error) else ""
    if isinstance(error, ImproperlyConfigured | InconsistentMigrationHistory):
        return str(error).splitlines()[0]
    return ""


def _file(error: OSError) -> str:
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    hint = _HINTS.get(error.errno or 0, "")
    if error.errno == errno.ENOENT and name and not os.path.isdir(os.path.dirname(os.path.abspath(name))):
        hint = "There is no such folder."
    return f"{name or 'A file'}: {error.strerror}. {hint}" if hint else ""


def missing(error: ModuleNotFoundError) -> str:
    """Return the words for a package that is not installed; "" for a module that should be part of mqadmin."""
    name = (error.name or "").partition(".")[0]
    if name in _OURS or not name:
        return ""
    how = "`pip install mqadmin`" if place.IS_INSTALLED else "`make venv`"
    return f"Python's package {name} is missing in {sys.prefix}: {how} installs what mqadmin needs."


def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say why the process ends; takes the place of `sys.excepthook`."""
    try:
        text = words(error)
    except Exception:  # nothing may hide the error itself
        text = ""
    if text:
        sys.stderr.write(f"mqadmin: {text}\n")
    else:
        sys.__excepthook__(kind, error, trace)
