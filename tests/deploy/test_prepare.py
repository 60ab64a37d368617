"""What stands in the way of `make up` is found before anything starts; what a killed one left is cleaned up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqadmin.local import ports, processes
from mqadmin.local.trouble import Trouble
from mqadmin.up import prepare, run_state
from mqadmin.up.options import Options, from_environ
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.processes
RUN = "0123456789abcdef"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return from_environ({"MQADMIN_VAR": str(tmp_path)})


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that belongs to the run RUN."""
    environ = {**os.environ, processes.RUN_VARIABLE: RUN}
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], env=environ)
    wait_until(lambda: processes.of_run(RUN), timeout=5)
    yield child
    child.kill()
    child.wait()


def test_var_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "var").touch()
    with pytest.raises(Trouble, match="is a file, not a folder"):
        prepare.check_writable(tmp_path / "var")


def test_a_disk_without_room_is_told_before_anything_is_started(tmp_path: Path) -> None:
    prepare.check_room(tmp_path, 0)
    with pytest.raises(Trouble, match=r"Only \d+ MB are free for .*MQADMIN_VAR=DIR"):
        prepare.check_room(tmp_path, 10**12)


def test_a_python_that_is_too_old_is_told_as_such() -> None:
    script = "import sys; sys.version_info = (3, 9, 1); import deploy"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("mqadmin: it needs Python 3.11 or newer; ")
    assert len(done.stderr.splitlines()) == 1


def test_var_in_a_place_that_cannot_be_written() -> None:
    with pytest.raises(Trouble, match=r"cannot be used: .*MQADMIN_VAR=DIR"):
        prepare.check_writable(Path("/proc/mqadmin"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_folder_of_another_user_is_named() -> None:
    script = """
import os
from pathlib import Path
from mqadmin.up.prepare import check_writable
os.setuid(65534)
check_writable(Path("/etc"))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "/etc may not be written by nobody" in result.stderr


def test_second_make_up_on_the_same_folder(options: Options) -> None:
    run_state.write(options.var, RUN, options.address)  # this process plays the first one
    with pytest.raises(Trouble, match=f"already runs on .*process {os.getpid()}"):
        prepare.end_previous(options)


def test_leftovers_of_a_killed_run_are_ended(options: Options, sleeper: subprocess.Popen[bytes]) -> None:
    first = "from mqadmin.up import run_state; from pathlib import Path; import sys;"
    call = f"run_state.write(Path(sys.argv[1]), {RUN!r}, 'http://x/')"
    subprocess.run([sys.executable, "-c", first + call, str(options.var)], check=True)

    prepare.end_previous(options)

    assert sleeper.wait(timeout=patient(5)) == -signal.SIGTERM
    assert run_state.read(options.var) is None


def test_only_the_processes_of_the_run_are_ended(sleeper: subprocess.Popen[bytes]) -> None:
    assert processes.end_run("another-run", patience=1) == 0
    assert sleeper.poll() is None


def test_reused_pid_is_not_taken_for_the_process() -> None:
    impostor = processes.Identity(os.getpid(), "1")
    assert not impostor.alive
    impostor.send(signal.SIGKILL)  # must do nothing: it would end this test run


def test_taken_port_is_a_message_and_not_a_traceback(tmp_path: Path) -> None:
    environ = {**os.environ, "MQADMIN_VAR": str(tmp_path), "PORT": str(ports.pick())}
    environ |= {"RABBITMQ_URL": "", "RABBITMQ_MANAGEMENT_URL": ""}
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        environ["BROKER_HTTP_PORT"] = str(server.getsockname()[1])
        environ["BROKER_AMQP_PORT"] = str(ports.pick())
        result = subprocess.run(
            [sys.executable, "-m", "deploy.prepare"], env=environ, capture_output=True, text=True, check=False
        )
    assert result.returncode == 1
    assert "make up BROKER_HTTP_PORT=" in result.stderr
    assert "Traceback" not in result.stderr
