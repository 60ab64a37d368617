"""What rules on brokers, on consumers and on mqadmin's own processes match."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from consumers.models import Consumer, ConsumerProcess, SupervisorHost
from consumers.status import state_words
from consumers.supervisor import hosts
from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.seeing.hits import Hit, Subject
from mqadmin.alerts.seeing.of_queues import KEPT_REASONS, began, matched
from mqadmin.alerts.seeing.world import World
from mqadmin.core.acts import signs
from mqadmin.core.models import Operation
from mqadmin.queues.models import Broker, Queue

SILENT = timedelta(minutes=1)  # a supervisor, and a worker that takes up no operation
_ALARMS, _BLOCKED = frozenset({"memory_alarm", "disk_alarm", "alarm"}), "publishers_blocked"
# What each node is told of by itself. Not what is near a limit: in a cluster that is so of all nodes, one by one.
_OF_NODES = _ALARMS | {"node_down"}
_DOWN = ("failed", "lost", "unsupervised", "unplaced", "backoff")


def brokers_away(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield the brokers that do not answer."""
    for broker in _brokers(rule, world):
        if broker.reachable is False:
            seen = broker.sampled_at.isoformat() if broker.sampled_at else ""
            params = {"code": broker.error_code, "error": broker.error[:300], "seen": seen}
            yield Hit(Subject(Alert.Subject.BROKER, broker.slug), "broker_away", params=params)


def broker_reasons(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield what brokers are judged badly for, each kind of trouble by itself: a node that goes down while channels
    leak is news, so is a second one while the first is away, and each has an end of its own."""
    for broker in _brokers(rule, world):
        if broker.pk not in world.seen:
            continue
        for name, reasons in _by_trouble(matched(broker.reasons, rule)).items():
            params = {"reasons": [dict(reason) for reason in reasons[:KEPT_REASONS]]}
            subject = Subject(Alert.Subject.BROKER, broker.slug, "", name[:255])
            trouble = f"broker:{reasons[0].get('code')}"
            yield Hit(subject, trouble, params=params, since=began(reasons[0], world.now))


def _by_trouble(reasons: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Return reasons by their code, or code and node. Publishers that an alarm blocks are evidence of that, no
    trouble beside it."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for reason in reasons:
        found[_trouble(reason)].append(reason)
    alarm = next((name for name in found if name.partition(":")[0] in _ALARMS), None)
    if alarm is not None:
        found[alarm] += found.pop(_BLOCKED, [])
    return found


def _trouble(reason: Mapping[str, Any]) -> str:
    code, node = str(reason.get("code")), (reason.get("params") or {}).get("node")
    return f"{code}:{node}" if node and code in _OF_NODES else code


def consumers(rule: Rule, world: World) -> Iterator[Hit]:
    """Yield the consumers that are in one of a rule's states, though they are to run."""
    wanted = Consumer.objects.exclude(desired=Consumer.Desired.STOPPED)
    found = list(wanted.filter(broker=rule.broker) if rule.broker else wanted)
    if not found:
        return
    processes: dict[int, list[ConsumerProcess]] = defaultdict(list)
    for row in ConsumerProcess.objects.filter(ended_at=None).defer("usage"):
        processes[row.consumer_id].append(row)
    fleet = hosts.fleet(world.now)
    queues = _queue_ids(found) if rule.queues else {}
    states = rule.codes or _DOWN
    for item in found:
        row_id = queues.get((item.broker, item.vhost, item.queue))
        if rule.queues and row_id not in world.matching(item.broker, rule.queues):
            continue
        status = state_words.derive(
            item, processes[item.pk], supervised=bool(fleet.hosts), now=world.now, fleet=fleet
        )
        if status.state in states:
            params = {
                "state": status.state,
                "label": status.label,
                "words": status.words,
                "queue": item.queue,
            }
            subject = Subject(Alert.Subject.CONSUMER, item.broker, item.vhost, item.name)
            yield Hit(subject, f"consumer:{status.state}", params=params, row_id=item.pk)


def processes_away(rule: Rule, world: World, *, heartbeat: str = "") -> Iterator[Hit]:
    """Yield what of mqadmin itself is away, of what the rule names in its codes; of all of it without any.

    `heartbeat`: why the last ones failed; "" while they do not, or where there are none.
    """
    for hit in _processes_away(rule, world, heartbeat):
        if not rule.codes or hit.params["process"] in rule.codes:
            yield hit


def _processes_away(rule: Rule, world: World, heartbeat: str) -> Iterator[Hit]:
    for broker in _brokers(rule, world):
        if broker.reachable is True and broker.pk not in world.seen:
            yield _process("sampling", broker.slug, broker.sampled_at, broker.slug)
    if rule.broker:
        return
    for host in SupervisorHost.objects.filter(heartbeat_at__lt=world.now - SILENT):
        yield _process("supervisor", host.name, host.heartbeat_at)
    # Held ones are not due, and a running one whose lease ran out is taken up again by any worker.
    late = world.now - SILENT
    waiting = Operation.objects.filter(status=Operation.Status.PENDING, created_at__lt=late)
    oldest = waiting.exclude(not_before__gt=late).order_by("id").first()
    if oldest is not None:
        yield _process("worker", "worker", max(filter(None, (oldest.created_at, oldest.not_before))))
    for name, heard in signs.silent(world.now).items():
        yield _process(name, name, heard)
    if heartbeat:
        yield _process("heartbeat", "heartbeat", None, error=heartbeat)


def _process(what: str, name: str, seen: datetime | None, broker: str = "", error: str = "") -> Hit:
    # Not `since`: after a restart of everything the others have the rule's time to come back.
    params = {"process": what, "seen": seen.isoformat() if seen else "", "error": error}
    return Hit(
        Subject(Alert.Subject.PROCESS, broker, "", f"{what}:{name}"[:255]), "process_away", params=params
    )


def _brokers(rule: Rule, world: World) -> Iterator[Broker]:
    yield from (row for row in world.brokers.values() if not rule.broker or row.slug == rule.broker)


def _queue_ids(found: list[Consumer]) -> dict[tuple[str, str, str], int]:
    names = {item.queue for item in found}
    rows = Queue.objects.filter(name__in=names).values_list("broker__slug", "vhost", "name", "pk")
    return {(slug, vhost, name): pk for slug, vhost, name, pk in rows}
