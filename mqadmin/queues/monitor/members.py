"""How far behind the members of quorum queues are: asked of a few queues after each sample, never in its way.

The listing does not tell it; `GET /queues/quorum/VHOST/NAME/status` does, from 3.13 on: a call for each queue. That
asks the process of each member (`rabbit_quorum_queue:status/2`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import replace
from heapq import nsmallest

from mqadmin.queues.monitor.observing import Key, Lag
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import NodeInfo, QueueInfo, ReplicaInfo

Ask = Callable[[str, str], list[ReplicaInfo]]
log = logging.getLogger(__name__)

SUSPECTS = 3  # asked after each sample, of those that may lag
OTHERS = 1  # and of those that nothing is held against
AGAIN_S = 60.0  # before which one of the others is not asked again
LATELY_S = 600.0  # so long after a node came the queues with a member on it are suspects
JUMP = 100  # messages more than at the last sample
BUDGET_S = 0.25  # of one look; one that took longer is followed by a rest
SHARE = 20.0  # of which it takes at most this part of the time
PATIENCE_S = 2.0
REST_S, LONG_REST_S = 30.0, 600.0  # after a call that failed, and at most
STALE_S = 3600.0  # after which what was found does not count, where the broker tells no more
ENTRIES = 1000  # of the log: what is under way between two members is less
TRAFFIC_S = 2.0  # the members are not asked at one moment


def asking(client: ManagementClient) -> Ask:
    """Return what asks the broker, and does not wait for long: the next sample waits for it."""
    brief = replace(client.config, timeout_s=min(client.config.timeout_s, PATIENCE_S))
    return ManagementClient(brief).replicas


class Members:
    """Knows which members lag. For one thread. Nothing that the broker does makes it raise.

    `ask`: returns the members of a queue, [] where the broker does not tell; may raise RabbitError.
    """

    def __init__(self, slug: str, ask: Ask, clock: Callable[[], float] = time.monotonic) -> None:
        self._slug = slug
        self._replicas = ask
        self._clock = clock
        self._found: dict[Key, Lag] = {}
        self._asked: dict[Key, float] = {}
        self._totals: dict[Key, int | None] = {}  # at the last sample
        self._due_at = float("-inf")
        self._faults = 0

    @property
    def found(self) -> Mapping[Key, Lag]:
        """What was found of the queues that were asked: of those that lag, and that lagged when last asked."""
        return self._found

    def look(self, infos: Iterable[QueueInfo], nodes: Iterable[NodeInfo], at: float) -> None:
        """Ask a few of the queues, the likeliest first; what is found counts from the next sample on."""
        replicated = {info.key: info for info in infos if info.type == "quorum" and len(info.members) > 1}
        self._forget(replicated)
        young = {node.name for node in nodes if node.running and (node.uptime_s or LATELY_S) < LATELY_S}
        suspects = [key for key, info in replicated.items() if self._is_suspect(info, young)]
        self._totals = {key: info.total for key, info in replicated.items()}
        if at < self._due_at or not replicated:
            return
        began = self._clock()
        for key in self._chosen(replicated, suspects, at):
            if self._clock() - began >= BUDGET_S or not self._ask(replicated[key], at):
                break
        if not self._faults:
            took = self._clock() - began
            self._due_at = at + SHARE * took if took >= BUDGET_S else at

    def _forget(self, there: Container[Key]) -> None:
        self._found = {key: lag for key, lag in self._found.items() if key in there}
        self._asked = {key: when for key, when in self._asked.items() if key in there}

    def _is_suspect(self, info: QueueInfo, young: set[str]) -> bool:
        lag = self._found.get(info.key)
        if lag is not None and lag.nodes:
            return True
        if young and not young.isdisjoint(info.members):
            return True
        last = self._totals.get(info.key)
        return last is not None and info.total is not None and info.total - last >= JUMP

    def _chosen(self, there: Iterable[Key], suspects: Iterable[Key], at: float) -> list[Key]:
        """Return whom to ask: of each kind those that wait for it longest."""

        def waits(key: Key) -> tuple[bool, float]:
            lag = self._found.get(key)
            return not (lag and lag.nodes), self._asked.get(key, float("-inf"))

        first = nsmallest(SUSPECTS, suspects, key=waits)
        ripe = [
            key for key in there if key not in first and at - self._asked.get(key, float("-inf")) >= AGAIN_S
        ]
        return first + nsmallest(OTHERS, ripe, key=waits)

    def _ask(self, info: QueueInfo, at: float) -> bool:
        """Ask one queue; return whether the broker told of it."""
        self._asked[info.key] = at  # one that does not answer is not asked again before all others
        try:
            replicas = self._replicas(*info.key)
        except RabbitError as error:
            if not self._faults:
                log.info("broker %s: how far members are is not told: %s", self._slug, error)
            replicas = []
        if not replicas:  # as on RabbitMQ 3.10, which has no such call; or the queue is gone
            self._due_at = at + min(REST_S * 2**self._faults, LONG_REST_S)
            self._faults += 1
            self._found = {key: lag for key, lag in self._found.items() if at - lag.at < STALE_S}
            return False
        self._faults = 0
        nodes = behind(info, replicas)
        if nodes or info.key in self._found:
            self._found[info.key] = Lag(at, nodes)
        return True


def behind(info: QueueInfo, replicas: Iterable[ReplicaInfo]) -> tuple[tuple[str, int], ...]:
    """Return the members that are there and lag, each with how many entries of the log, to two digits."""
    traffic = (info.publish_rate or 0) + (info.ack_rate or 0)
    allowed = max(ENTRIES, TRAFFIC_S * traffic)
    return tuple(
        sorted(
            (item.node, int(float(f"{item.behind:.1e}")))
            for item in replicas
            if item.behind is not None and item.behind > allowed and item.node not in info.away
        )
    )
