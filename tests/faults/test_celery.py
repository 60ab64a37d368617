"""Celery's own connections when the broker goes away and comes back: beat sends again, and says it in a line."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from celery.beat import ScheduleEntry, Scheduler, SchedulingError
from django.conf import settings

from mqadmin import celery
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.rabbit.proxy import Proxy
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.broker

ENTRY = "resume-orphaned-operations"


@pytest.fixture
def line(broker_config: BrokerConfig) -> Iterator[Proxy]:
    """The way to the broker, which the test may cut."""
    with Proxy(broker_config.host, broker_config.port) as proxy:
        yield proxy


@pytest.fixture
def beat(monkeypatch: pytest.MonkeyPatch, broker_config: BrokerConfig, vhost: str, line: Proxy) -> Scheduler:
    user = urlsplit(broker_config.amqp_url).netloc.rpartition("@")[0]
    monkeypatch.delenv("CELERY_BROKER_URL", raising=False)  # Celery lets it win over its settings
    monkeypatch.setattr(celery.app.conf, "broker_url", f"amqp://{user}@127.0.0.1:{line.port}/{vhost}")
    return Scheduler(app=celery.app)


def entry(beat: Scheduler) -> ScheduleEntry:
    found: ScheduleEntry = beat.schedule[ENTRY]
    return found


def waiting(management: ManagementClient, vhost: str, queue: str, count: int) -> bool:
    return len(management.get_messages(vhost, queue, 10)) == count


def test_beat_sends_again_after_its_connection_was_lost(
    beat: Scheduler, line: Proxy, management: ManagementClient, vhost: str
) -> None:
    queue = settings.CELERY_TASK_DEFAULT_QUEUE
    for number in range(1, 4):
        beat.apply_async(entry(beat), producer=beat.producer)
        # Not before it is there: what a cut takes from the wire is lost, beat sends again in five seconds.
        arrived = partial(waiting, management, vhost, queue, number)
        wait_until(arrived, 10, what=f"{number} nudges")
        line.cut()


def test_beat_goes_on_after_the_broker_was_gone(beat: Scheduler, line: Proxy) -> None:
    beat.apply_async(entry(beat), producer=beat.producer)
    with line.refusing():
        for _ in range(2):
            with pytest.raises(SchedulingError):
                beat.apply_async(entry(beat), producer=beat.producer)
    beat.apply_async(entry(beat), producer=beat.producer)


def test_what_beat_cannot_send_is_one_line_of_the_log(
    beat: Scheduler, line: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    with line.refusing(), caplog.at_level(logging.ERROR, "celery.beat"):
        beat.app.conf.broker_connection_timeout = 1
        beat.apply_entry(entry(beat))
    (record,) = [record for record in caplog.records if record.name == "celery.beat"]
    said = logging.Formatter().format(record)
    assert "\n" not in said
    assert ENTRY in said


@pytest.mark.processes
@pytest.mark.parametrize(
    "program", [("worker", "--pool", "threads"), ("beat", "--schedule", "beat-schedule")]
)
def test_a_refused_password_is_said_in_lines_not_in_a_traceback(
    program: tuple[str, ...], process_environ: dict[str, str], broker_config: BrokerConfig, tmp_path: Path
) -> None:
    place = f"{broker_config.host}:{broker_config.port}"
    environ = {**process_environ, "CELERY_BROKER_URL": f"amqp://nobody:wrong@{place}/%2F"}
    environ |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "mqadmin", *program, "--loglevel", "warning"]
    # Beat schedules its first nudge five seconds on.
    ended = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, timeout=patient(60), check=False
    )
    said = (ended.stdout + ended.stderr).decode()
    assert ended.returncode != 0, "the keeper starts it again: the password may have been corrected"
    assert "ACCESS_REFUSED" in said
    assert "Traceback" not in said
    assert len(said.splitlines()) < 5, said


# Celery whose loop wakes an hour on at the latest, and not at most ten seconds: nobody waits for its next timer.
DROWSY = """
import sys
from kombu.asynchronous import hub
fire = hub.Hub.fire_timers
hub.Hub.fire_timers = lambda *args, **options: fire(*args, **options) and 3600
from celery.__main__ import main
sys.exit(main())
"""


@pytest.mark.processes
def test_an_idle_worker_stops_at_once(
    process_environ: dict[str, str], broker_config: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    user, _, place = urlsplit(broker_config.amqp_url).netloc.rpartition("@")
    environ = {**process_environ, "CELERY_BROKER_URL": f"amqp://{user}@{place}/{vhost}"}
    command = [sys.executable, "-c", DROWSY, "-A", "mqadmin", "worker", "--pool", "threads"]
    command += ["--loglevel", "warning", "--without-gossip", "--without-mingle", "--without-heartbeat"]

    def consuming() -> bool:
        return any(queue.consumers for queue in management.queues(vhost))

    with subprocess.Popen(command, cwd=ROOT, env=environ) as worker:
        wait_until(consuming, 20, what="a worker that has nothing to do")
        worker.terminate()
        assert worker.wait(patient(15)) == 0, "not at its next timer"


def test_a_worker_never_gives_up_waiting_for_the_broker() -> None:
    assert celery.app.conf.broker_connection_max_retries is None
