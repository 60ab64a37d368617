"""mqadmin as pip installs it, far from the checkout: it comes up, consumes by another package's handler, ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy import ROOT
from mqadmin.local import ports
from mqadmin.rabbit.config import BrokerConfig
from tests.support import amqp, wheels
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.processes, pytest.mark.any_database, pytest.mark.timeout(400)]

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "acme-shop"
version = "1.0"
[project.entry-points."mqadmin.handlers"]
shop = "acme_shop"
"""
HANDLER = """
from consumers.handlers.registry import handler

@handler("acme.note", title="Note")
def note(message):
    message.log.info("noted %s", message.text)
"""


@dataclass
class Installed:
    """An environment with mqadmin and another package, an empty folder to run in, a home for its data."""

    programs: Path
    folder: Path
    home: Path
    variables: dict[str, str]

    @property
    def var(self) -> Path:
        return self.home / ".local" / "state" / "mqadmin"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the checkout's, nor of its virtual environment."""
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.home), **self.variables}

    def said(self, *words: str) -> str:
        """Return what `mqadmin WORDS` prints."""
        command = [str(self.programs / "mqadmin"), *words]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def processes(self) -> list[str]:
        """Return the command lines of all that runs in its home."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if f"HOME={self.home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return found


@pytest.fixture
def installed(tmp_path: Path, vhost: str, amqp_url: str, management_url: str) -> Installed:
    (tmp_path / "shop" / "acme_shop").mkdir(parents=True)
    (tmp_path / "shop" / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "shop" / "acme_shop" / "__init__.py").write_text(HANDLER)
    for name in ("dist", "shop-dist", "empty", "home"):
        (tmp_path / name).mkdir()
    mine, other = (
        wheels.build(ROOT, tmp_path / "dist"),
        wheels.build(tmp_path / "shop", tmp_path / "shop-dist"),
    )
    programs = wheels.install(tmp_path / "environment", mine, other)
    variables = {
        "RABBITMQ_URL": f"{amqp_url}{vhost}",
        "RABBITMQ_MANAGEMENT_URL": management_url,
        "CELERY_BROKER_URL": f"{amqp_url}{vhost}",
        "DEMO": "0",
    }
    return Installed(programs, tmp_path / "empty", tmp_path / "home", variables)


class Page:
    """The web of an mqadmin that runs."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.token = ""

    def get(self, path: str) -> str:
        """Return what is there, which must be 200."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=patient(10)) as answer:
            text: str = answer.read().decode()
            return text

    def call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the API."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.address}api/v1/{path}", data=data, headers=headers)
        with urllib.request.urlopen(asked, timeout=patient(10)) as answer:
            found: dict[str, Any] = json.load(answer)
            return found


def test_it_comes_up_in_an_empty_folder_consumes_and_ends(
    installed: Installed, broker_config: BrokerConfig, vhost: str
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("orders", durable=True)
    amqp.publish(broker_config, vhost, "orders", [b"one"])
    terminal = installed.home.parent / "terminal"
    with terminal.open("wb") as output:
        up = subprocess.Popen(
            [installed.programs / "mqadmin", "up", "--port", str(ports.pick())],
            cwd=installed.folder,
            env=installed.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _it_works(installed, up, terminal)
    finally:
        with suppress(ProcessLookupError):  # it ended by itself, which was told above
            os.killpg(up.pid, signal.SIGINT)  # as a terminal does on Ctrl-C
        code = up.wait(timeout=patient(20))
    assert code == 0
    assert installed.processes() == []
    assert terminal.read_text().endswith("mqadmin has stopped.\n")
    assert "Traceback" not in terminal.read_text()
    assert list(installed.folder.iterdir()) == [], "it writes to its folder for data alone"


def _it_works(installed: Installed, up: subprocess.Popen[bytes], terminal: Path) -> None:
    def ready() -> re.Match[str] | None:
        assert up.poll() is None, terminal.read_text()
        line = r"^mqadmin is ready: (\S+)  sign in as admin with the password \S+ "
        return re.search(line, terminal.read_text(), re.M)

    found = wait_until(ready, timeout=120, what="mqadmin is ready")
    assert found is not None
    assert f"Data is kept in {installed.var}." in terminal.read_text().splitlines()
    page = Page(found[1])
    style = re.search(r"static/css/mqadmin\.\w+\.css", page.get("login/"))
    assert style is not None
    assert "{" in page.get(style[0])
    assert page.get("healthz")

    page.token = installed.said("token", "create", "admin", "--name", "test")
    assert page.token[-4:] in installed.said("token", "list")
    assert "acme.note" in {one["name"] for one in page.call("handlers")["items"]}
    vhost = installed.variables["RABBITMQ_URL"].rpartition("/")[2]
    page.call(
        "consumers",
        {"name": "notes", "vhost": vhost, "queue": "orders", "handler": "acme.note", "desired": "running"},
    )
    records = wait_until(lambda: page.call("records?consumer=notes")["items"], timeout=60, what="a record")
    assert [(one["message_id"], one["outcome"]) for one in records] == [("m0", "acked")]
    assert "noted one" in json.dumps(page.call(f"records/{records[0]['id']}"))

    running = " ".join(installed.processes())
    for part in ("gunicorn", "run_monitor", "run_supervisor", " worker ", " beat ", "run_consumer"):
        assert part in running
    assert str(ROOT) not in running
    log = (installed.var / "log" / "mqadmin.log").read_text()
    assert "started by itself" not in log, "they are forked"
