"""Watches one broker as a whole: from each sample to its reasons, and to what happened since the last one."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

from mqadmin.queues.models import Broker
from mqadmin.queues.monitor import sight
from mqadmin.queues.monitor.cluster import changes
from mqadmin.queues.monitor.cluster.changes import NAMED, Definitions, Event
from mqadmin.queues.monitor.cluster.facts import Deprecated, Facts, Memory
from mqadmin.queues.monitor.cluster.looking import Hints, Looker
from mqadmin.queues.monitor.cluster.verdict import judge
from mqadmin.queues.monitor.sight import Cluster, Sight
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import OverviewInfo, QueueInfo

log = logging.getLogger(__name__)

PATIENCE_S = 10.0  # of a look: the next sample of the queues waits for it


@dataclass(frozen=True)
class Sampled:
    """What a sample found. `made` and `gone`: the queues that came and went since the last one, of those that
    are made to stay."""

    overview: OverviewInfo
    around: Cluster
    infos: Sequence[QueueInfo]
    sight: Sight
    traits: Mapping[str, Any]
    listing_s: float
    made: Sequence[tuple[str, str]] = ()
    gone: Sequence[tuple[str, str]] = ()


class Observed(NamedTuple):
    """What is to be said of a broker by one sample. `unroutable`: the rates of what was dropped and returned."""

    reasons: list[dict[str, Any]]
    facts: dict[str, Any]
    events: Sequence[Event] = ()
    definitions: dict[str, Any] | None = None  # where they are not as they were
    unroutable: tuple[float | None, ...] = (None, None)


class Watch:
    """Watches one broker. For one thread."""

    def __init__(self, client: ManagementClient) -> None:
        brief = replace(client.config, timeout_s=min(client.config.timeout_s, PATIENCE_S))
        self._looker = Looker(ManagementClient(brief))

    def observe(self, broker: Broker, sampled: Sampled, at: float) -> Observed:
        """Judge the broker, whose row is as the last sample left it, and tell what happened since. Never raises."""
        try:
            return self._observe(broker, sampled, at)
        except Exception:
            # Queues are sampled on, whatever is wrong here. It may be what is remembered: that begins anew.
            log.exception("broker %s: it could not be judged as a whole", broker.slug)
            return Observed(broker.reasons, {})

    def _observe(self, broker: Broker, sampled: Sampled, at: float) -> Observed:
        memory = Memory.from_json(broker.facts)
        facts = _facts(sampled)
        # Judged twice: what the first verdict says is worth a look at the clients or not.
        hints = _hints(judge(memory, facts, at), sampled)
        clients, definitions = self._looker.look(sampled.overview, sampled.sight, hints, at)
        after = judge(memory, replace(facts, clients=clients), at)
        found = list(_happened(broker, sampled, memory, after, at))
        before, defined = Definitions.from_json(broker.definitions), None
        if definitions is not None and definitions != before:
            found += changes.of_definitions(before, definitions, at)
            defined = definitions.to_json()
        return Observed(after.reasons, after.to_json(), found, defined, after.unroutable)


def _facts(sampled: Sampled) -> Facts:
    return Facts(
        overview=sampled.overview,
        nodes=sampled.around.nodes,
        alarms=sampled.around.alarms,
        deprecated=[_deprecated(name, sampled.infos) for name in sampled.traits.get("deprecated", ())],
        listing_s=sampled.listing_s,
        queues=len(sampled.infos),
    )


def _deprecated(name: str, infos: Iterable[QueueInfo]) -> Deprecated:
    if name != "transient_nonexcl_queues":
        return Deprecated(name)
    guilty = (info.name for info in infos if not info.durable and not info.exclusive)
    return Deprecated(name, tuple(islice(guilty, NAMED)))


def _hints(memory: Memory, sampled: Sampled) -> Hints:
    alarms = sorted(f"{alarm.node} {alarm.resource}" for alarm in sampled.around.alarms or ())
    return Hints(tuple(alarms), any(memory.unroutable))


def _happened(broker: Broker, sampled: Sampled, before: Memory, after: Memory, at: float) -> Iterable[Event]:
    if broker.reachable is False:
        yield Event(at, "answers_again", {})
    around = sampled.around
    if around.alarms is not None:
        yield from changes.of_alarms(broker.alarms, sight.alarm_rows(around), at)
    if around.nodes is not None:
        restarts = {
            name: life.restarted
            for name, life in after.lives.items()
            if life.restarted is not None
            and life.restarted != (before.lives[name].restarted if name in before.lives else None)
        }
        yield from changes.of_nodes(broker.nodes, around.nodes, restarts, at)
    if broker.sampled_at is not None:  # at the first sample all queues are new
        yield from changes.of_queues(sampled.made, sampled.gone, at)
