"""The web processes killed with SIGKILL: consumers and supervisor go on, and the page is right afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, Record
from deploy import ports
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support import amqp
from tests.support.processes import ROOT, manage
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]


class Web:
    """The web processes as the Procfile starts them, and a person at their pages."""

    def __init__(self, environ: dict[str, str]) -> None:
        port = ports.pick()
        self.address = f"http://127.0.0.1:{port}"
        bin_folder = Path(sys.executable).parent
        self._environ = {
            **environ,
            "BIND": f"127.0.0.1:{port}",
            "MQADMIN_STATIC_ROOT": str(Path(environ["MQADMIN_VAR"]) / "collected"),
            "PATH": f"{bin_folder}{os.pathsep}{environ['PATH']}",
        }
        lines = (ROOT / "Procfile").read_text().splitlines()
        self._command = next(line.partition(":")[2] for line in lines if line.startswith("web:"))
        self._process: subprocess.Popen[bytes] | None = None
        self.person = requests.Session()
        self.run("collectstatic", "--noinput", "--verbosity", "0")

    def run(self, *arguments: str) -> str:
        """Run `manage.py ARGUMENTS` and return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environ, capture_output=True, text=True, check=True
        )
        return done.stdout

    def start(self) -> None:
        """Start them and wait until they answer."""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {self._command}"], cwd=ROOT, env=self._environ, start_new_session=True
        )
        wait_until(self._answers, 40, what="the pages answer")

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.address}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """Kill all of them at once; nothing of theirs is left."""
        if self._process is None:
            return
        members = [self._process.pid, *(child.pid for child in psutil.Process(self._process.pid).children())]
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in members), 10, what="all are gone")

    def page(self, path: str) -> str:
        """Return a page's text without its markup, as few spaces as possible."""
        answer = self.person.get(self.address + path, timeout=20)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.text))

    def post(self, path: str, page: str, **fields: str) -> None:
        """Send the form of `page` to `path`, as a click does. What is answered after redirects must be a page."""
        form = self.person.get(self.address + page, timeout=20).text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token, form
        fields["csrfmiddlewaretoken"] = token[1]
        sent = {"Referer": self.address + page}
        answer = self.person.post(self.address + path, fields, headers=sent, timeout=20)
        assert answer.status_code == 200, answer.text


@pytest.fixture
def web(process_environ: dict[str, str]) -> Iterator[Web]:
    web = Web(process_environ)
    web.start()
    yield web
    web.kill()


@pytest.fixture
def consumer(transactional_db: None, vhost: str, management: ManagementClient) -> Consumer:
    management.declare_queue(vhost, "work")
    return Consumer.objects.create(name="work", broker="default", vhost=vhost, queue="work", handler="record")


def test_the_web_is_killed_right_after_a_click(
    web: Web, consumer: Consumer, process_environ: dict[str, str], broker_config: BrokerConfig, vhost: str
) -> None:
    password = web.run("create_user", "ann", "--role", "operator").rpartition("Password: ")[2].strip()
    web.post("/login/", "/login/", username="ann", password=password)
    environ = {**process_environ, "MQADMIN_SUPERVISOR_ON_EXIT": "stop"}
    with manage(environ, "run_supervisor", "--name", "real") as supervisor:
        assert "stopped" in web.page("/consumers/work/")
        web.post("/consumers/work/start/", "/consumers/work/")
        web.kill()
        rows = ConsumerProcess.objects.filter(state="running", ended_at=None)
        row = wait_until(rows.first, 20, what="started although nobody shows it")
        assert row is not None
        amqp.publish(broker_config, vhost, "work", [b"{}"])
        wait_until(Record.objects.exists, 10, what="it handles meanwhile")
        assert supervisor.poll() is None

        web.start()
        text = web.page("/consumers/work/")  # signed in as before: sessions are in the database
        assert "1 of 1 running" in text
        assert f" {row.pid} " in text
        web.post("/consumers/work/stop/", "/consumers/work/")
        open_rows = ConsumerProcess.objects.filter(ended_at=None)
        wait_until(lambda: not open_rows.exists(), 10, what="its buttons work")
        assert "Stopped by ann" in web.page("/consumers/work/")
    assert ConsumerEvent.objects.filter(kind="started").count() == 1
