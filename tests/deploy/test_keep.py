"""A process that ends is started again; told to stop, it stays down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.keep import LAST_DELAY_S, delay
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.processes


def test_delay_doubles_up_to_a_limit() -> None:
    assert [delay(failures) for failures in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert delay(1000) == LAST_DELAY_S


def test_starts_again_after_a_crash_and_says_so(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    script = f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"
    keeper = _keep(sys.executable, "-c", script)
    try:
        wait_until(lambda: starts.exists() and len(starts.read_text()) >= 2, timeout=60)
    finally:
        os.killpg(keeper.pid, signal.SIGTERM)
        output, _ = keeper.communicate(timeout=patient(30))
    assert "job ended with exit code 3; starting it again in 1 s" in output


def test_stop_ends_the_command_and_starts_nothing(tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    script = f"import time; open({str(starts)!r}, 'a').write('x'); time.sleep(60)"
    keeper = _keep(sys.executable, "-c", script)
    wait_until(lambda: starts.exists() and starts.read_text(), timeout=60)

    os.killpg(keeper.pid, signal.SIGTERM)

    assert keeper.wait(timeout=patient(5)) == 0
    assert starts.read_text() == "x"
    with pytest.raises(ProcessLookupError):
        os.killpg(keeper.pid, 0)


def test_command_that_does_not_exist_is_named() -> None:
    keeper = _keep("no-such-program")
    try:
        assert keeper.stdout is not None
        assert "no-such-program cannot be started" in keeper.stdout.readline()
    finally:
        keeper.terminate()
        keeper.communicate(timeout=patient(5))


def _keep(*command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deploy.keep", "job", *command],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
