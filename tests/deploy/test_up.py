"""`make up` itself, as a new user runs it: it answers, stops without a trace, and goes on where it was."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deploy import ROOT
from mqadmin.local import ports
from tests.support.length import FULL
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]


@dataclass
class Up:
    """`make up` with a folder and ports of its own, in a session of its own, as under a terminal."""

    var: Path
    variables: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        environ = {**inherited, **pip, "MQADMIN_VAR": str(self.var), **self.variables}
        with (self.var.parent / "terminal").open("ab") as terminal:
            self.process = subprocess.Popen(
                ["make", "up"],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return (self.var.parent / "terminal").read_text()

    def ready(self, times: int) -> list[re.Match[str]]:
        """Wait for the line that says where the page is, the `times`th one; return all of them."""

        def found() -> list[re.Match[str]]:
            assert self.process is not None
            assert self.process.poll() is None, self.output
            return list(re.finditer(r"^mqadmin is ready: (\S+)  .*password (\S+) ", self.output, re.M))

        wait_until(lambda: len(found()) >= times, timeout=180, what="mqadmin is ready")
        return found()

    def press_ctrl_c(self) -> None:
        """Do what a terminal does on Ctrl-C; `make` ends within the time that it gives itself and a bit."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(timeout=patient(15))

    def processes(self) -> list[str]:
        """Return the command lines of all processes that know this run's folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.var).encode() in (entry / "environ").read_bytes():
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    numbers = {name: str(ports.pick()) for name in ("PORT", "BROKER_AMQP_PORT", "BROKER_HTTP_PORT")}
    running = Up(tmp_path / "var", numbers)
    yield running
    if running.process and running.process.poll() is None:
        running.press_ctrl_c()


def test_up_up_again_after_each_kill_and_a_stop_without_a_trace(up: Up) -> None:
    up.start()
    assert up.process is not None
    wait_until(lambda: "Preparing the database ..." in up.output, timeout=120)
    os.killpg(up.process.pid, signal.SIGKILL)  # a first start that is interrupted: the next one goes on
    up.process.wait()
    before = len(up.output)

    up.start()
    address, password = up.ready(1)[0].groups()
    assert up.output[before:].splitlines()[:-1] == [
        "Ended what an earlier make up, which was killed, had left running.",
        "Starting RabbitMQ ...",
        "Preparing the database ...",
        "Starting mqadmin ...",
    ]
    assert up.output.rstrip().splitlines()[-1].startswith("mqadmin is ready: ")
    assert b'type="password"' in urllib.request.urlopen(address, timeout=10).read()
    kept = up.var / "admin-password"
    assert kept.read_text().strip() == password
    assert kept.stat().st_mode & 0o077 == 0
    names = " ".join(up.processes())
    for part in ("gunicorn", "run_monitor", "celery", "run_supervisor", "run_demo_producer", "run_consumer"):
        wait_until(lambda part=part: part in " ".join(up.processes()), timeout=30, what=f"{part} in {names}")

    os.killpg(up.process.pid, signal.SIGKILL)  # make and its foreground process; nobody stops the others
    up.process.wait()
    assert up.processes(), "a killed run leaves processes, or the test proves nothing"

    up.start()
    assert up.ready(2)[1].groups() == (address, password)
    assert up.output.count("Ended what an earlier make up") == 2
    up.press_ctrl_c()
    assert up.processes() == []
    assert "Traceback" not in up.output

    if FULL:
        up.variables["DEMO"] = "0"
        up.start()
        assert up.ready(3)[2].groups() == (address, password)
        assert up.output.count("Ended what an earlier make up") == 2
        up.press_ctrl_c()
        assert up.processes() == []
