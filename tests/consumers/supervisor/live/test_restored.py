"""A backup of an installation at work, restored by the command: a supervisor on it runs nothing until told so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from mqadmin.core.backups import restoring
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.consumers.supervisor.conftest import Define, Launch
from tests.support.processes import ROOT
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.broker,
]


def manage(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def beats() -> object:
    return SupervisorHost.objects.values_list("heartbeat_at", flat=True).filter(name="copy").first()


def test_a_copy_beside_the_original_consumes_nothing_until_a_person_starts_it(
    launch: Launch,
    define: Define,
    process_environ: dict[str, str],
    vhost: str,
    management: ManagementClient,
    tmp_path: Path,
) -> None:
    define("work")
    launch()
    wait_until(lambda: management.queue(vhost, "work").info.consumers == 1, 20)
    file, target = tmp_path / "backup.zip", tmp_path / "copy.sqlite3"
    made = manage(process_environ, "backup", str(file))
    assert made.returncode == 0, made.stderr

    refused = manage(process_environ, "restore", "--replace", str(file))
    assert refused.returncode == 1
    assert "the supervisor real (pid" in refused.stderr
    assert Consumer.objects.get().desired == "running"

    environ = {**process_environ, "DATABASE_URL": f"sqlite:///{target}"}
    done = manage(environ, "restore", str(file))
    assert done.returncode == 0, done.stderr
    assert "Consumer work: stopped, it was running." in done.stdout

    launch("copy", wait=False, DATABASE_URL=environ["DATABASE_URL"])
    with restoring.connected_to(str(target)):
        first = wait_until(beats, 20)
        wait_until(lambda: beats() > first, 20)
        assert not ConsumerProcess.objects.filter(ended_at=None).exists()
        assert management.queue(vhost, "work").info.consumers == 1
        Consumer.objects.update(desired="running")
        wait_until(lambda: management.queue(vhost, "work").info.consumers == 2, 20)
