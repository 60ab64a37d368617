"""The metrics of `/metrics`: each name, its type, its help and its labels, as a scraper would read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from django.db import transaction
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from deploy.manual.reference.markdown import code, plain, table
from deploy.manual.words import said
from mqadmin.alerts.models import Incident, Severity
from mqadmin.core import brokers, hooks, own_health
from mqadmin.core.acts import leases
from mqadmin.core.exposition import exposition
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Broker, Queue

_OF = (
    ("Brokers and the monitor", ("broker_", "monitor_")),
    ("Queues", ("queue_",)),
    ("Consumers, their processes and hosts", ("consumer_", "supervisor_", "retry_")),
    ("Dead letters", ("dead_letters_",)),
    ("Alerts", ("incidents_", "alert", "alerts_")),
    ("mqadmin's own work", ("",)),
)


def all_metrics() -> str:
    """Return all of them. Needs an empty database that is migrated: it has one of each thing for a moment."""
    text, left = "", sorted(families().items())
    for title, begins in _OF:
        mine = [(name, found) for name, found in left if name.removeprefix("mqadmin_").startswith(begins)]
        left = [item for item in left if item not in mine]
        head = [said(name) for name in ("metric", "type", "labels", "says")]
        text += f"\n## {said(title)}\n\n{table(head, _rows(mine))}"
    return text


def families() -> Mapping[str, tuple[str, str, tuple[str, ...]]]:
    """Return the type, the help and the labels of each metric, by its name."""
    with transaction.atomic():
        _one_of_each()
        text, _type = exposition(hooks.metrics())
        transaction.set_rollback(True)
    kinds = re.findall(r"^# TYPE (\S+) (\S+)$", text.decode(), re.MULTILINE)
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", text.decode(), re.MULTILINE))
    found = {}
    names = {
        sample.name: tuple(sample.labels)
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }
    for name, kind in kinds:
        found[name] = (kind, helps[name], names[name])
    return found


def _rows(found: Iterable[tuple[str, tuple[str, str, tuple[str, ...]]]]) -> Iterator[tuple[str, ...]]:
    for name, (kind, help_text, labels) in found:
        yield code(name), kind, ", ".join(map(code, labels)), plain(help_text)


def _one_of_each() -> None:
    """Make one of each thing that has metrics, so that each has a sample with its labels."""
    now, slug = timezone.now(), next(iter(brokers.configs()))
    broker = Broker.objects.create(slug=slug, reachable=True, sampled_at=now)
    numbers = {"ready": 0, "unacked": 0, "total": 0, "consumers": 0, "oldest_at": int(now.timestamp())}
    for name in ("orders", "mqadmin.delay.1000"):
        Queue.objects.create(broker=broker, vhost="/", name=name, **numbers)
    consumer = Consumer.objects.create(name="orders", broker=slug, queue="orders", handler="record")
    state = ConsumerProcess.State.RUNNING
    ConsumerProcess.objects.create(
        consumer=consumer, host="a", state=state, state_since=now, connected_at=now, heartbeat_at=now
    )
    SupervisorHost.objects.create(name="a", pid=1, heartbeat_at=now, started_at=now, capacity=1)
    DeadLetter.objects.create(broker=slug, vhost="/", captured_at=now)
    Incident.objects.create(broker=slug, kind="broker_away", severity=Severity.CRITICAL, opened_at=now)
    for name in (f"monitor:{slug}", *own_health._SAID):
        leases.beat(name, "a", 60)
