"""What a test run leaves behind, found by its id and by its folder; nothing else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mqadmin.local.processes import RUN_VARIABLE
from tests.support.waiting import patient

pytestmark = pytest.mark.processes

Sleeper = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Start processes with variables of their own, and kill them at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**variables: str) -> subprocess.Popen[bytes]:
        code = "import time; time.sleep(600)"
        process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **variables})
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_the_processes_of_a_run_are_ended_under_whatever_id(sleeper: Sleeper, tmp_path: Path) -> None:
    run, folder = tmp_path.name, str(tmp_path)
    own = sleeper(**{RUN_VARIABLE: run})
    one_of_its_tests = sleeper(**{RUN_VARIABLE: f"{run}-up"}, TMPDIR=folder)
    neighbour = sleeper(**{RUN_VARIABLE: f"{run}-up"}, TMPDIR=f"{folder}-2")

    subprocess.run([sys.executable, "-m", "deploy.cleanup", run, folder], check=True)

    assert own.wait(patient(5)) == -signal.SIGTERM
    assert one_of_its_tests.wait(patient(5)) == -signal.SIGTERM
    assert neighbour.poll() is None
