"""The foreground runner: starts what the Procfile names, shows and keeps its output, ends all of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqadmin.local import processes
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.processes

PROCFILE = """
steady: exec sleep 600
stubborn: trap '' TERM; echo armed; while :; do sleep 1; done
crashing: echo going down; exit 7
telling: echo 2026-01-01 10:00:00,123 INFO all is well; echo 2026-01-01 10:00:00,123 WARNING all is not; sleep 600
unwanted: touch $MQADMIN_VAR/unwanted
"""


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The runner at work on PROCFILE without `unwanted`; its run id is the folder's name."""
    lines = [
        line.replace(": ", ": sh -c '", 1) + "'" for line in PROCFILE.replace("'", '"').split("\n") if line
    ]
    (tmp_path / "Procfile").write_text("\n".join(lines))
    environ = {**os.environ, "MQADMIN_VAR": str(tmp_path), processes.RUN_VARIABLE: tmp_path.name}
    command = [sys.executable, "-m", "mqadmin.up.runner", str(tmp_path / "Procfile"), "unwanted"]
    with (tmp_path / "terminal").open("wb") as terminal:
        child = subprocess.Popen(command, env=environ, stdout=terminal, start_new_session=True)
    yield child
    processes.end_run(tmp_path.name, patience=0)
    child.wait()


def test_output_is_shown_with_its_process_and_kept(runner: subprocess.Popen[bytes], tmp_path: Path) -> None:
    crash = "crashing ended with exit code 7; starting it again in 1 s"
    wait_until(lambda: crash in _text(tmp_path / "terminal"), timeout=10)
    wait_until(lambda: crash in _text(tmp_path / "log" / "mqadmin.log"), timeout=5)
    line = next(line for line in _text(tmp_path / "terminal").splitlines() if crash in line)
    assert "crashing | " in line
    assert runner.poll() is None, "one crash must not end the others"


def test_what_goes_well_is_kept_and_not_shown(runner: subprocess.Popen[bytes], tmp_path: Path) -> None:
    wait_until(lambda: "WARNING all is not" in _text(tmp_path / "terminal"), timeout=10)
    assert "INFO all is well" not in _text(tmp_path / "terminal")
    assert "INFO all is well" in _text(tmp_path / "log" / "mqadmin.log")
    assert runner.poll() is None


def test_sigterm_ends_all_even_the_stubborn(runner: subprocess.Popen[bytes], tmp_path: Path) -> None:
    wait_until(lambda: "armed" in _text(tmp_path / "terminal"), timeout=10)
    assert not (tmp_path / "unwanted").exists()

    runner.send_signal(signal.SIGTERM)

    runner.wait(timeout=patient(10))
    assert processes.of_run(tmp_path.name) == []


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
