"""Names of supervisors and consumers: two of one name, names that no page could show, names like options."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command, load_command_class

from consumers.management.commands.run_supervisor import _NAME
from consumers.models import Consumer, SupervisorHost
from consumers.supervisor import rows
from consumers.supervisor.machine import spawn
from consumers.supervisor.machine.lock import AlreadySupervised
from consumers.supervisor.rows import Identity
from tests.consumers.supervisor.conftest import Define, Launch, SteppedSupervisor
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_whose_name_another_took_gives_up(stepped: SteppedSupervisor) -> None:
    stepped.supervisor.step()
    assert rows.present(Identity(name="host-a", pid=1, machine="clone")) is None
    stepped.supervisor._heartbeat_due = time.monotonic() - 1
    with pytest.raises(AlreadySupervised, match="machine clone, pid 1"):
        stepped.supervisor.step()
    assert SupervisorHost.objects.get().pid == 1
    rows.absent(stepped.supervisor.me)
    assert SupervisorHost.objects.get().pid == 1, "it is the other's now"


@pytest.mark.processes
@pytest.mark.broker
def test_a_second_of_the_same_name_elsewhere_is_refused(
    launch: Launch, define: Define, tmp_path: Path
) -> None:
    """Containers and clones of a machine may share a host name; each has a folder, and so a lock, of its own."""
    first = launch("twin")
    consumer = define("only", single=True)
    row = wait_until(lambda: consumer.processes.filter(state="running").first(), 30)

    second = launch("twin", wait=False, MQADMIN_VAR=str(tmp_path / "var"))
    _out, said = second.communicate(timeout=patient(40))

    assert second.returncode != 0
    assert b"Another supervisor named twin works on this database" in said
    assert [found.pk for found in Consumer.objects.get().processes.all()] == [row.pk]
    assert SupervisorHost.objects.get().pid == first.pid


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "x" * 101, "a b", "a:b", "a\n"])
def test_a_name_that_no_page_could_show_is_refused(name: str) -> None:
    """An empty one, as of a variable that is not set, is that of processes no supervisor started."""
    with pytest.raises(CommandError, match="is no name for a host"):
        call_command("run_supervisor", name=name)


def test_names_of_hosts_are_names() -> None:
    assert all(
        _NAME.fullmatch(name) for name in ("a", socket.gethostname(), "web-1.example.com", "ä_1", "x" * 100)
    )


@pytest.mark.parametrize("name", ["orders", "-v", "--wait"])
def test_a_consumer_whose_name_looks_like_an_option_can_be_run(name: str) -> None:
    _python, _manage, command, *arguments = spawn.command(name, 7)
    parser = load_command_class("consumers", command).create_parser("manage.py", command)
    found = parser.parse_args(arguments)
    assert (found.name, found.process, found.wait, found.verbose) == (name, 7, False, False)
