"""The API's description. To write it takes longer than a hundred requests: once for a process."""

from __future__ import annotations

import functools
from typing import Any

from mqadmin.api import api


@functools.cache
def description() -> dict[str, Any]:
    """Return the whole of it, with paths as they stand behind /api/v1."""
    return dict(api.get_openapi_schema(path_prefix=""))


def paths() -> dict[str, dict[str, Any]]:
    """Return what is said of each call: {path: {method in small letters: description}}."""
    found: dict[str, dict[str, Any]] = description()["paths"]
    return found
