"""The web processes of an installation, and a person at their pages."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import requests

from mqadmin.local import ports
from tests.support.processes import ROOT
from tests.support.waiting import wait_until


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
        self.log = Path(environ["MQADMIN_VAR"]) / "web.log"
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
            ["/bin/sh", "-c", f"exec {self._command}"],
            cwd=ROOT,
            env=self._environ,
            start_new_session=True,
            stderr=self.log.open("ab"),
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
