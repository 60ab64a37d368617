"""The whole of mqadmin as `make up` runs it, on a test's database and broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mqadmin.local import ports
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent
STOP_SECONDS = 15
CELERY = (
    "celery --quiet -A mqadmin worker --pool threads --concurrency 2 --loglevel warning "
    "--without-gossip --without-mingle --without-heartbeat --beat --schedule"
)
SET_UP = """
import django; django.setup()
from django.core.management import call_command
call_command("collectstatic", "--noinput", "--verbosity", "0")
for name in ("setup_broker", "setup_admin", "setup_demo"): call_command(name)
"""


@dataclass(frozen=True)
class Stack:
    """A running mqadmin: where its pages are and how to sign in."""

    address: str
    username: str
    password: str
    environ: dict[str, str]

    def manage(self, *arguments: str) -> str:
        """Run `manage.py ARGUMENTS` to its end and return what it printed."""
        return _run(self.environ, "manage.py", *arguments)


@contextmanager
def running(environ: dict[str, str]) -> Iterator[Stack]:
    """Set mqadmin up with its demo and run all its processes; none is left afterwards."""
    port = ports.pick()
    address = f"http://127.0.0.1:{port}"
    celery_url = urlsplit(environ["RABBITMQ_URL"])._replace(path="/mqadmin").geturl()
    environ = {
        **environ,
        "CELERY_BROKER_URL": celery_url,
        "RABBITMQ_ENVIRONMENT": "development",
        "MQADMIN_SAMPLE_SECONDS": "2",
        "MQADMIN_SUPERVISOR_ON_EXIT": "stop",
        "MQADMIN_HANDLERS": "tests.support.handlers",
        "MQADMIN_STATIC_ROOT": str(Path(environ["MQADMIN_VAR"]) / "collected"),
        "PATH": f"{BIN}{os.pathsep}{environ['PATH']}",
    }
    # In one process: to load mqadmin takes longer than each of them.
    _run(environ, "-c", SET_UP)
    password = (Path(environ["MQADMIN_VAR"]) / "admin-password").read_text().strip()
    commands = [
        [
            "gunicorn",
            "mqadmin.wsgi",
            "--config",
            "python:mqadmin.serving",
            "--bind",
            f"127.0.0.1:{port}",
            "--threads",
            "8",
            "--no-control-socket",
        ],
        [*CELERY.split(), str(Path(environ["MQADMIN_VAR"]) / "beat")],
        *(
            [sys.executable, "manage.py", name]
            for name in ("run_monitor", "run_supervisor", "run_demo_producer")
        ),
    ]
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            started.append(subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True))
        wait_until(lambda: _answers(f"{address}/healthz"), 40, what="the pages answer")
        yield Stack(address, "admin", password, environ)
    finally:
        _stop(started)


def _run(environ: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
