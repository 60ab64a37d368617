"""The private RabbitMQ as a Docker container, for machines without a rabbitmq-server package."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import subprocess
import time
from pathlib import Path

from mqadmin.local.trouble import Trouble

IMAGE = "rabbitmq:4-management"
USER = "mqadmin"
_START_SECONDS = 90


def answers() -> bool:
    """Whether a Docker engine answers here."""
    return shutil.which("docker") is not None and _docker("info", timeout=10).returncode == 0


class Container:
    """One container, one named volume for its data, both named after `folder`; ports on loopback only."""

    def __init__(self, folder: Path, amqp_port: int, http_port: int) -> None:
        self.folder = folder
        self.amqp_port = amqp_port
        self.http_port = http_port
        self.name = f"mqadmin-{hashlib.sha256(str(folder).encode()).hexdigest()[:10]}"

    @property
    def amqp_url(self) -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.amqp_port}/"

    @property
    def management_url(self) -> str:
        return f"http://{USER}:{self.password}@127.0.0.1:{self.http_port}/"

    @property
    def password(self) -> str:
        """The administrator's password, made on first use and kept in the folder (mode 0600)."""
        path = self.folder / "docker-password"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as handle:
                handle.write(secrets.token_hex(16))
        return path.read_text()

    @property
    def running(self) -> bool:
        result = _docker("container", "inspect", "--format", "{{json .State.Running}}", self.name)
        return result.returncode == 0 and json.loads(result.stdout) is True

    def start(self) -> None:
        """Start the container and return; the image is downloaded first when it is not there."""
        if self.running:
            return
        _docker("rm", "--force", self.name)
        if _docker("image", "inspect", IMAGE).returncode:
            print(f"Downloading {IMAGE} ...", flush=True)
        result = _docker(*self.arguments(), timeout=600, environ={"RABBITMQ_DEFAULT_PASS": self.password})
        if result.returncode:
            raise Trouble(f"Docker could not start {IMAGE}:\n{result.stderr.strip()}")

    def arguments(self) -> list[str]:
        """Return docker's arguments. The password travels in the environment, not in the process list."""
        return [
            "run", "--detach", "--rm", "--name", self.name,
            "--hostname", "mqadmin",  # RabbitMQ files its data under the host's name
            "--publish", f"127.0.0.1:{self.amqp_port}:5672",
            "--publish", f"127.0.0.1:{self.http_port}:15672",
            "--volume", f"{self.name}:/var/lib/rabbitmq",
            "--env", f"RABBITMQ_DEFAULT_USER={USER}",
            "--env", "RABBITMQ_DEFAULT_PASS",
            IMAGE,
        ]  # fmt: skip

    def wait(self, timeout: float = _START_SECONDS) -> None:
        """Return once AMQP and the management API answer; else raise Trouble with the container's words."""
        from mqadmin.local import reach  # needs the virtual environment; this module does not

        deadline = time.monotonic() + timeout
        while True:
            try:
                reach.check({"RABBITMQ_URL": self.amqp_url, "RABBITMQ_MANAGEMENT_URL": self.management_url})
                return
            except Trouble as trouble:
                if not self.running or time.monotonic() > deadline:
                    words = _docker("logs", "--tail", "8", self.name)
                    raise Trouble(
                        f"RabbitMQ in Docker does not answer: {trouble}\n{words.stdout}{words.stderr}"
                    ) from None
            time.sleep(0.5)

    def stop(self, timeout: float = 10) -> None:
        """Stop the container, by force after `timeout` seconds. Its volume stays."""
        _docker("stop", "--time", str(max(1, int(timeout))), self.name, timeout=timeout + 15)


def _docker(
    *arguments: str, timeout: float = 30, environ: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(
            [], 1, "", f"docker {arguments[0]} did not end within {timeout:g} s"
        )
