"""A private RabbitMQ node from the system's package: own data, own cookie, own epmd, loopback only.

Nothing of the system's RabbitMQ (`/etc/rabbitmq`, its cookie, its epmd, its user) is read or touched.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mqadmin.local import ports
from mqadmin.local.processes import Identity, carrying, end, gone, identify
from mqadmin.local.trouble import Trouble

USER = "mqadmin"
_NAME = "mqadmin@127.0.0.1"  # a name that needs no resolver and no /etc/hosts
# Debian's /usr/sbin/rabbitmq-server insists on the `rabbitmq` user: the program behind it does not.
_PROGRAMS = (
    "/usr/lib/rabbitmq/bin/rabbitmq-server",
    "/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server",
    "/usr/local/opt/rabbitmq/sbin/rabbitmq-server",
)
# RabbitMQ looks up its machine's own name for each AMQP connection (rabbit_nodes:cluster_name_default/0 in the
# answer to the protocol header). Where no file knows it, a DNS answer that is lost costs whoever connects 5 s.
_INETRC = '{host, {127,0,0,1}, ["%s"]}.\n{lookup, [file, native]}.\n'
_START_SECONDS = 90
_PLUGINS = ("rabbitmq_management", "rabbitmq_shovel")
_MARK = "MQADMIN_NODE"  # in the environment of a node and all it starts: its folder


def program() -> str | None:
    """Return the path of an installed rabbitmq-server that any user may run, or None."""
    return next((path for path in _PROGRAMS if os.access(path, os.X_OK)), None)


@dataclass(frozen=True)
class Member:
    """What a node of a cluster shares with the others: all their names, the epmd that finds them (whoever made the
    cluster stops it), the cookie, which is the administrator's password too. `name` and `dist_port` are its own."""

    name: str
    dist_port: int
    names: tuple[str, ...]
    epmd_port: int
    secret: str


class Node:
    """The node whose data lives in `folder`. It outlives the object: another one finds it again.

    With `root`, the node runs in a chroot there (as root only) and `folder` must lie inside. With `member` it is
    one of a cluster. `plugins`: to be enabled besides those that every node here has.
    """

    def __init__(
        self,
        folder: Path,
        amqp_port: int,
        http_port: int,
        root: Path | None = None,
        member: Member | None = None,
        plugins: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.plugins = (*_PLUGINS, *plugins)
        self.root = root
        self.member = member
        self.amqp_port = amqp_port
        self.http_port = http_port
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.member.name if self.member else _NAME

    @property
    def amqp_url(self) -> str:
        return f"amqp://{USER}:{self.password}@127.0.0.1:{self.amqp_port}/"

    @property
    def management_url(self) -> str:
        return f"http://{USER}:{self.password}@127.0.0.1:{self.http_port}/"

    @property
    def password(self) -> str:
        """The administrator's password, made on first use and kept beside the data (mode 0600)."""
        path = self.folder / "password"
        if not path.exists() or not path.read_text():  # empty: of a disk that was full
            _write_private(path, self.member.secret if self.member else secrets.token_hex(16))
        return path.read_text()

    @property
    def log(self) -> Path:
        return self.folder / "log" / "console.log"

    @property
    def running(self) -> bool:
        return self._recorded() is not None

    @property
    def process_id(self) -> int | None:
        """The pid of the node, or None when it does not run."""
        process = self._recorded()
        return process.pid if process else None

    def start(self) -> None:
        """Start the node and return at once; `wait` tells when it answers. A running node is left running."""
        if self.running:
            return
        self._stop_epmd()  # of a node that was killed
        epmd_port = self.member.epmd_port if self.member else ports.pick()
        environ = self._prepare(epmd_port)
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                self._command(),
                env=environ,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in the terminal must not reach it: `stop` has its turn
            )
        identity = identify(self._child.pid)
        record = {"pid": identity.pid, "started": identity.started, "epmd_port": epmd_port}
        _write_private(self.folder / "node.json", json.dumps(record))

    def wait(self, timeout: float = _START_SECONDS) -> None:
        """Return once AMQP and the management API answer; else raise Trouble with the log's last lines."""
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.running:
                raise Trouble(f"RabbitMQ ended while starting. The last lines of {self.log}:\n{self._tail()}")
            if time.monotonic() > deadline:
                raise Trouble(
                    f"RabbitMQ did not answer within {timeout:g} s. See {self.log}:\n{self._tail()}"
                )
            time.sleep(0.2)

    def stop(self, timeout: float = 10) -> None:
        """Stop the node in order, by force after `timeout` seconds, and its epmd. No node: does nothing."""
        process = self._recorded()
        if process is not None:
            process.send(signal.SIGTERM)
            if not gone([process], timeout):
                self.kill()
        self._reap()
        self._stop_epmd()

    def kill(self) -> None:
        """End the node as a power cut would: nothing is flushed. Erlang's helpers end with their pipe."""
        process = self._recorded()
        if process is not None:
            process.send(signal.SIGKILL)
            gone([process], 5)
        self._reap()

    def _command(self) -> list[str]:
        if self.root is not None:
            return ["chroot", str(self.root), _PROGRAMS[0]]
        executable = program()
        if executable is None:
            raise Trouble("rabbitmq-server is not installed.")
        return [executable]

    def _prepare(self, epmd_port: int) -> dict[str, str]:
        """Write the node's files and return its whole environment (nothing of the caller's leaks in)."""
        for name in ("", "home", "data", "log", "conf.d"):
            (self.folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.amqp_port}",
            "management.tcp.ip = 127.0.0.1",
            f"management.tcp.port = {self.http_port}",
            f"default_user = {USER}",
            f"default_pass = {self.password}",
            "default_user_tags.administrator = true",
            "disk_free_limit.absolute = 200MB",
        ]
        if self.member:
            lines.append("cluster_formation.peer_discovery_backend = classic_config")
            lines += [
                f"cluster_formation.classic_config.nodes.{number} = {name}"
                for number, name in enumerate(self.member.names, 1)
            ]
            _write_private(self.folder / "home" / ".erlang.cookie", self.member.secret)
        _write_private(self.folder / "rabbitmq.conf", "\n".join(lines) + "\n")
        (self.folder / "enabled_plugins").write_text(f"[{','.join(self.plugins)}].\n")
        (self.folder / "rabbitmq-env.conf").write_text("")
        (self.folder / "advanced.config").write_text("[].\n")
        (self.folder / "inetrc").write_text(_INETRC % socket.gethostname().partition(".")[0])
        inside = self.folder if self.root is None else Path("/") / self.folder.relative_to(self.root)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            _MARK: str(self.folder),
            "LC_ALL": "C.UTF-8",
            "HOME": str(inside / "home"),  # holds the cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_CRASH_DUMP_SECONDS": "0",
            "ERL_INETRC": str(inside / "inetrc"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_USE_LONGNAME": "true",
            "RABBITMQ_DIST_PORT": str(self.member.dist_port if self.member else ports.pick()),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "RABBITMQ_CONF_ENV_FILE": str(inside / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(inside / "rabbitmq.conf"),
            "RABBITMQ_CONFIG_FILES": str(inside / "conf.d"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(inside / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(inside / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(inside / "data"),
            "RABBITMQ_LOG_BASE": str(inside / "log"),
            "RUNNING_UNDER_SYSTEMD": "true",  # the shell becomes the node: one pid, which SIGTERM reaches
        }

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait(timeout=5)
            self._child = None

    def _recorded(self) -> Identity | None:
        record = self._record()
        process = Identity(int(record.get("pid", 0)), str(record.get("started", "")))
        return process if process.alive else None

    def end_unrecorded(self) -> None:
        """End a node that was started without a note of it: whoever did was killed in between."""
        if not self.running:
            end(carrying(_MARK, str(self.folder)), patience=8)

    def _record(self) -> dict[str, Any]:
        try:
            record = json.loads((self.folder / "node.json").read_text())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def _answers(self) -> bool:
        token = b64encode(f"{USER}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/api/overview", headers={"Authorization": f"Basic {token}"}
        )
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=3) as response:
                listeners = json.load(response).get("listeners", [])
        except urllib.error.HTTPError as error:
            if error.code == 401:
                raise Trouble(
                    f"The private RabbitMQ does not accept the password in {self.folder / 'password'}. "
                    f"To begin again without its messages, move {self.folder} away."
                ) from None
            return False
        except (OSError, ValueError):
            return False
        return any(row.get("port") == self.amqp_port for row in listeners)

    def _stop_epmd(self) -> None:
        """Stop the epmd that serves this node alone. That of a cluster is not this node's to stop."""
        if not self.member:
            stop_epmd(int(self._record().get("epmd_port", 0)))

    def _tail(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"  {line}" for line in [line for line in lines if line.strip()][-8:])


def stop_epmd(port: int) -> None:
    """Stop the epmd of nodes that have ended, on a port of its own. Others are never spoken to."""
    executable = shutil.which("epmd")
    if not port or executable is None:
        return
    environ = {"PATH": os.environ.get("PATH", os.defpath), "ERL_EPMD_PORT": str(port)}
    deadline = time.monotonic() + 3
    while not ports.is_free("127.0.0.1", port) and time.monotonic() < deadline:
        # Refused until epmd has noticed that its node is gone, which takes a moment after a SIGKILL.
        subprocess.run([executable, "-kill"], env=environ, capture_output=True, timeout=5, check=False)
        time.sleep(0.05)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, in a step: never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)
    draft.replace(path)
