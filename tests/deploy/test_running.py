"""What `make up` keeps running: started again when it ends, forked where it can be, gone when told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy import ROOT
from mqadmin.local import processes
from mqadmin.up.running import PADDING
from mqadmin.up.running.kept import LAST_DELAY_S, delay
from mqadmin.up.running.loaded import Loaded, words
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.processes

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the runner on a Procfile; its output is in `terminal` below `tmp_path`, whose name is the run's id."""
    started = []

    def run(procfile: str, **environ: str) -> subprocess.Popen[bytes]:
        (tmp_path / "Procfile").write_text(procfile)
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        more = {"MQADMIN_VAR": str(tmp_path), processes.RUN_VARIABLE: tmp_path.name, "PATH": path}
        command = [sys.executable, "-m", "mqadmin.up.runner", str(tmp_path / "Procfile"), PADDING]
        with (tmp_path / "terminal").open("wb") as terminal:
            started.append(
                subprocess.Popen(
                    command,
                    cwd=ROOT,
                    env={**os.environ, **environ, **more},
                    stdout=terminal,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        return started[-1]

    yield run
    processes.end_run(tmp_path.name, patience=0)
    for process in started:
        process.wait()


def test_delay_doubles_up_to_a_limit() -> None:
    assert [delay(failures) for failures in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert delay(1000) == LAST_DELAY_S


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (
            "gunicorn a --bind $BIND --threads ${MANY:-8}",
            ["gunicorn", "a", "--bind", "h:1", "--threads", "8"],
        ),
        ("python manage.py run_monitor", ["python", "manage.py", "run_monitor"]),
        ("celery $SEVERAL", ["celery", "a", "b"]),
        ("celery $UNKNOWN x", ["celery", "x"]),
        ("trap '' TERM", []),
        ("a; b", []),
        ("a > b", []),
        ("a $(b)", []),
    ],
)
def test_a_line_is_read_as_a_shell_reads_it(
    command: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And left to a shell where it is more than words."""
    for name, value in {"BIND": "h:1", "SEVERAL": "a b"}.items():
        monkeypatch.setenv(name, value)
    for name in ("MANY", "UNKNOWN"):
        monkeypatch.delenv(name, raising=False)
    assert words(command) == expected


@pytest.mark.parametrize(
    ("arguments", "is_known"),
    [
        (["python", "manage.py", "run_monitor"], True),
        (["python", "-P", "-m", "mqadmin", "run_supervisor"], True),
        ([sys.executable, "-P", "-m", "mqadmin", "run_monitor"], True),
        ([sys.executable, "-P", "-m", "gunicorn", "mqadmin.wsgi"], True),
        (["python", "-P", "-m", "celery", "--quiet", "-A", "mqadmin", "beat"], True),
        (["gunicorn", "mqadmin.wsgi"], True),
        (["python", "-P", "-m", "mqadmin", "migrate"], False),
        (["/usr/bin/true", "-P", "-m", "mqadmin", "run_monitor"], False),
        ([], False),
    ],
)
def test_which_lines_are_forked(
    arguments: list[str], is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert (Loaded.role(object.__new__(Loaded), arguments) is not None) == is_known


def test_starts_again_after_a_crash_and_what_it_left_ends(start: Start, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    start(f"job: sh -c 'sleep 600 & echo $! >> {starts}; exit 3'\nodd: no-such-program")
    wait_until(lambda: starts.exists() and len(starts.read_text().split()) >= 2, timeout=60)
    first = int(starts.read_text().split()[0])
    wait_until(lambda: not processes.identify(first).alive, timeout=10)
    output = (tmp_path / "terminal").read_text()
    assert "job ended with exit code 3; starting it again in 1 s" in output
    assert "no-such-program" in output
    assert "odd ended with exit code 127; starting it again in 1 s" in output


def test_told_to_stop_it_starts_nothing(start: Start, tmp_path: Path) -> None:
    runner = start(f"job: sh -c 'echo x >> {tmp_path}/starts; exec sleep 600'")
    starts = tmp_path / "starts"
    wait_until(lambda: starts.exists() and starts.read_text(), timeout=60)

    runner.send_signal(signal.SIGTERM)

    assert runner.wait(timeout=patient(5)) == 0
    assert starts.read_text() == "x\n"
    assert "starting it again" not in (tmp_path / "terminal").read_text()
    assert processes.of_run(tmp_path.name) == []


def test_a_forked_process_is_as_one_that_was_started_by_itself(
    start: Start, tmp_path: Path, process_environ: dict[str, str]
) -> None:
    """It has nothing of the runner's, is itself to others, is there again after a kill, and goes when told to."""
    runner = start("monitor: python manage.py run_monitor\nsteady: sh -c 'sleep 600'", **process_environ)

    def monitors() -> list[psutil.Process]:
        children = psutil.Process(runner.pid).children()
        return [child for child in children if "run_monitor" in child.cmdline()[-1]]

    log = tmp_path / "log" / "mqadmin.log"
    begun = "monitor: sampling"
    wait_until(lambda: log.exists() and begun in log.read_text(), 60, what=begun)
    (first,) = monitors()
    assert _has_loaded_all(runner)
    assert first.memory_full_info().uss < 0.5 * first.memory_info().rss, "most of it is shared"
    assert os.getsid(first.pid) == first.pid
    ours = {os.readlink(f"/proc/{runner.pid}/fd/{name}") for name in os.listdir(f"/proc/{runner.pid}/fd")}
    theirs = {os.readlink(f"/proc/{first.pid}/fd/{number}") for number in os.listdir(f"/proc/{first.pid}/fd")}
    (output,) = {os.readlink(f"/proc/{first.pid}/fd/{number}") for number in (1, 2)}
    assert str(log) in ours
    assert ours & theirs - {os.readlink(f"/proc/{runner.pid}/fd/0")} == {output}
    status = Path(f"/proc/{first.pid}/status").read_text()
    blocked = int(next(line for line in status.splitlines() if line.startswith("SigBlk")).split()[1], 16)
    assert not blocked & 1 << signal.SIGCHLD - 1

    assert first.pid in {process.pid for process in processes.of_run(tmp_path.name)}, "a killed run is found"

    os.utime(tmp_path / "secret-key")  # the runner is no more what is on the disk
    first.kill()
    wait_until(lambda: "monitor ended by SIGKILL; starting it again in 1 s" in log.read_text(), 20)
    wait_until(lambda: log.read_text().count(begun) == 2, 30)
    assert "each is started by itself: " in log.read_text()
    (second,) = monitors()
    assert second.cmdline()[-3:] == ["python", "manage.py", "run_monitor"]

    runner.send_signal(signal.SIGTERM)
    assert runner.wait(timeout=patient(10)) == 0
    assert "monitor: stopped" in log.read_text(), "it was told, not killed"
    assert processes.of_run(tmp_path.name) == []


@pytest.mark.parametrize(
    ("environ", "reason"), [({"MQADMIN_FORK": "off"}, ""), ({"DATABASE_URL": "odd"}, "DATABASE_URL is not")]
)
def test_what_cannot_be_forked_is_started_by_itself(
    start: Start, tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    runner = start("monitor: python manage.py run_monitor --help", **environ)
    log = tmp_path / "log" / "mqadmin.log"
    wait_until(lambda: log.exists() and "monitor ended with" in log.read_text(), 60)
    said = log.read_text()
    assert not _has_loaded_all(runner)
    assert ("each is started by itself" in said) == bool(reason)
    assert "usage: manage.py run_monitor" in said or reason in said


def _has_loaded_all(runner: subprocess.Popen[bytes]) -> bool:
    return "pydantic_core" in Path(f"/proc/{runner.pid}/maps").read_text()
