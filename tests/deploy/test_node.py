"""The private node: its own data, its own epmd, nothing of it left after a stop."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import psutil
import pytest

from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.rabbit.config import load
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.node_control import call
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes


def test_restart_keeps_data_and_password(restartable_broker: Node) -> None:
    node = restartable_broker
    password = node.password
    _client(node).create_vhost("kept")

    node.kill()
    assert not node.running
    node.start()
    node.wait()

    assert node.password == password
    assert "kept" in {vhost.name for vhost in _client(node).vhosts()}


def test_a_node_whose_start_was_cut_off_before_it_was_noted_is_ended(restartable_broker: Node) -> None:
    node = restartable_broker
    (node.folder / "node.json").unlink()
    again = Node(node.folder, node.amqp_port, node.http_port)
    assert not again.running
    again.end_unrecorded()
    assert not _processes_naming(str(node.folder))


def test_stop_leaves_no_process(restartable_broker: Node) -> None:
    folder = str(restartable_broker.folder)
    assert _processes_naming(folder), "the running node must show, or the test proves nothing"
    epmd_port = json.loads((restartable_broker.folder / "node.json").read_text())["epmd_port"]
    assert ports.holder(epmd_port), "it has an epmd of its own"

    restartable_broker.stop()

    wait_until(lambda: not _processes_naming(folder), timeout=5, what="node ended")
    assert ports.holder(epmd_port) is None


def test_password_and_configuration_are_private(restartable_broker: Node) -> None:
    for name in ("password", "rabbitmq.conf"):
        assert (restartable_broker.folder / name).stat().st_mode & 0o077 == 0


def test_listens_on_loopback_only(restartable_broker: Node) -> None:
    connections = psutil.Process(restartable_broker.process_id).net_connections("tcp")
    addresses = [item.laddr.ip for item in connections if item.status == psutil.CONN_LISTEN]
    assert len(addresses) == 3, "AMQP, HTTP, distribution"
    assert set(addresses) == {"127.0.0.1"}


def test_asks_no_resolver_for_its_own_name(restartable_broker: Node) -> None:
    """It looks it up before it greets a client; where no file has it, an answer that is lost takes 5 s."""
    known = call(restartable_broker, "inet", "get_rc").replace(" ", "").replace("\n", "")
    name = socket.gethostname().partition(".")[0]
    assert f'{{host,{{127,0,0,1}},["{name}"]}}' in known
    assert "{lookup,[file,native]}" in known


def _client(node: Node) -> ManagementClient:
    environ = {"RABBITMQ_URL": node.amqp_url, "RABBITMQ_MANAGEMENT_URL": node.management_url}
    return ManagementClient(load(environ)["default"])


def _processes_naming(text: str) -> list[str]:
    """Return the pids whose environment or command line names `text`, this one's and its parents' aside."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parts = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in parts and b"pytest" not in parts:
            found.append(entry.name)
    return found
