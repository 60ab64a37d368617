"""Who runs `make up` on a var folder: so that a second one says so, and a killed one is cleaned up after."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from mqadmin.local.processes import Identity, identify


@dataclass(frozen=True)
class Run:
    """One `make up`: its id, its foreground process, the address of its page."""

    id: str
    process: Identity
    address: str


def read(var: Path) -> Run | None:
    """Return the run recorded in `var`, whether or not it still lives."""
    try:
        record = json.loads(_path(var).read_text())
        return Run(record["id"], Identity(record["pid"], record["started"]), record["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(var: Path, run: str, address: str) -> None:
    """Record this process as the one that runs on `var`."""
    me = identify(os.getpid())
    record = {"id": run, "pid": me.pid, "started": me.started, "address": address}
    # In a step: one that is cut off in between must not leave half a note, by which its processes are not found.
    draft = var / f"run.json.{me.pid}"
    draft.write_text(json.dumps(record))
    draft.replace(_path(var))


def clear(var: Path) -> None:
    """Forget the run: it ended in order."""
    _path(var).unlink(missing_ok=True)


def _path(var: Path) -> Path:
    return var / "run.json"
