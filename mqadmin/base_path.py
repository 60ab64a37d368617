"""The path below which everything is, where mqadmin shares a host: `/tools/mqadmin`; "" for a host of its own.

A proxy may take it away from the addresses that it passes on, or leave it: both are understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
VARIABLES = ("MQADMIN_BASE_PATH", "SCRIPT_NAME")

if TYPE_CHECKING:
    Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def base_path(environ: Mapping[str, str]) -> str:
    """Return the path that is set, with a slash before it and none behind. Raises ValueError for what is none.

    `SCRIPT_NAME` is what gunicorn knows it by.
    """
    name = next((name for name in VARIABLES if environ.get(name, "").strip(" /")), "")
    path = "/" + environ.get(name, "").strip(" /")
    if path == "/":
        return ""
    if not _PATH.fullmatch(path):
        raise ValueError(
            f"{name} is no path: letters, digits and - . _ ~ between slashes, as in /tools/mqadmin."
        )
    return path


def below(path: str, application: Application) -> Application:
    """Return the application, with `path` taken away from the addresses that have it."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        asked = environ.get("PATH_INFO", "")
        if asked == path or asked.startswith(f"{path}/"):
            environ["PATH_INFO"] = asked[len(path) :] or "/"
        return application(environ, start_response)

    return call if path else application
