"""Where mqadmin lies, in a checkout or in a package that pip installed; where its data goes; what it is called.

The standard library only: `make up` asks before there is a virtual environment.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CODE = (PACKAGE, PACKAGE.parent / "consumers")
# Made by the build (pyproject.toml) of what lies beside the packages in a checkout: see ADR 49.
_INSTALLED = PACKAGE / "files"
IS_INSTALLED = _INSTALLED.is_dir()
FILES = _INSTALLED if IS_INSTALLED else PACKAGE.parent
"""The folder of `templates`, `static`, `locale` and the Procfile."""
WORK = None if IS_INSTALLED else FILES
"""Where mqadmin's processes run: in the checkout, else (None) where they are started."""
COMMAND = "mqadmin" if IS_INSTALLED else "manage.py"
"""What people type before the name of a command."""
UP = "mqadmin up" if IS_INSTALLED else "make up"


def manage(*words: str) -> list[str]:
    """Return the command line of a management command, in this Python."""
    if IS_INSTALLED:
        # -P: what lies where it is started must not stand in for a package.
        return [sys.executable, "-P", "-m", "mqadmin", *words]
    return [sys.executable, str(FILES / "manage.py"), *words]


def procfile(path: Path) -> str:
    """Return the text of a Procfile, with programs as they are called here."""
    text = path.read_text()
    if not IS_INSTALLED:
        return text
    beside = Path(sys.executable).parent
    python = "python" if (beside / "python").exists() else shlex.quote(sys.executable)
    text = text.replace(": python manage.py ", f": {python} -P -m mqadmin ")
    for program in ("celery", "gunicorn"):  # a user's own packages have their programs elsewhere
        if not (beside / program).exists():
            text = text.replace(f": {program} ", f": {python} -P -m {program} ")
    return text


def module(name: str) -> list[str]:
    """Return the command line that runs a module of mqadmin."""
    return [sys.executable, *(["-P"] if IS_INSTALLED else []), "-m", name]


def var(environ: Mapping[str, str]) -> Path:
    """Return the folder for data: MQADMIN_VAR; else `var` in a checkout, $XDG_STATE_HOME/mqadmin for a package.

    Raises RuntimeError where the user has no home, and nothing else was said.
    """
    given = environ.get("MQADMIN_VAR", "").strip()
    if given:
        return Path(given).expanduser().resolve()
    if not IS_INSTALLED:
        return FILES / "var"
    state = environ.get("XDG_STATE_HOME", "")
    return (Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state") / "mqadmin"


def include_work() -> None:
    """Have modules found, last of all, where mqadmin was started: handlers that nobody made a package of."""
    if IS_INSTALLED:
        try:
            here = os.getcwd()
        except OSError:  # it was deleted
            return
        if here not in sys.path and "" not in sys.path:
            sys.path.append(here)
