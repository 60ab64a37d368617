from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from consumers.supervisor.forking import kernel
from consumers.supervisor.forking.warmed import Warmed
from consumers.supervisor.machine import spawn
from tests.support.waiting import wait_until

NAME = "forking"


@pytest.fixture
def warm(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> Iterator[Callable[..., Warmed]]:
    """Have a process warmed that consumers are forked from, with these variables, and wait for its first words."""
    settings.VAR_DIR = tmp_path
    made: list[Warmed] = []

    def make(*, with_handlers: bool = False, **environ: str) -> Warmed:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        found = Warmed(NAME, with_handlers=with_handlers)
        made.append(found)
        until_it_speaks(found)
        return found

    yield make
    for found in made:
        found.close()
    for process in spawn.survivors(NAME).values():
        spawn.kill(process.pid)
        process.wait()
    kernel.adopt_orphans(False)


def until_it_speaks(found: Warmed) -> None:
    """Wait until nothing more is expected of it: it is ready, or given up."""

    def has_spoken() -> bool:
        found.keep(wanted=True)
        return not found.descriptors()

    wait_until(has_spoken, 30, what="its first words")
