"""Looks at connections, channels and definitions: now and then, less where it costs much, never in the way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mqadmin.queues.monitor.cluster.changes import Definitions
from mqadmin.queues.monitor.cluster.facts import Clients
from mqadmin.queues.monitor.sight import Sight
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.types import OverviewInfo

log = logging.getLogger(__name__)

EVERY_S = 30.0
SHARE = 5.0  # a look that takes a second is not taken more often than every five
FAULTY_S = 600.0  # at most so long between two tries
JUMP = 50  # channels more than at the last look: it is taken at once
T = TypeVar("T")


@dataclass(frozen=True)
class Hints:
    """What makes a look worth its price at once: alarms, messages that no queue takes."""

    alarms: tuple[str, ...] = ()
    unroutable: bool = False


class Looker:
    """Takes looks at one broker. For one thread. Nothing that the broker does makes it raise."""

    def __init__(self, client: ManagementClient) -> None:
        """`client`: one that does not wait for long, since the samples of queues wait for it."""
        self._client = client
        self._clients = Clients()
        self._definitions: Definitions | None = None
        self._hints = Hints()
        self._channels = 0
        self._due_at = self._rested_at = float("-inf")
        self._faults = 0

    def look(
        self, overview: OverviewInfo, sight: Sight, hints: Hints, at: float
    ) -> tuple[Clients, Definitions | None]:
        """Return what is known of clients, by this look or the last, and the definitions if this one saw them."""
        channels = overview.channels or 0
        is_new = hints != self._hints or channels - self._channels >= JUMP
        if at < self._due_at and not (is_new and at >= self._rested_at):
            return self._clients, None
        self._hints, self._channels = hints, channels
        self._definitions = None
        began = time.monotonic()
        self._clients = self._ask(overview, sight, hints)
        took = time.monotonic() - began
        self._faults = self._faults + 1 if self._clients.why == "no_answer" else 0
        self._rested_at = at + SHARE * took
        self._due_at = at + max(EVERY_S, SHARE * took) * 2**self._faults
        if self._faults:
            self._rested_at = self._due_at = min(self._due_at, at + FAULTY_S)
        return self._clients, self._definitions

    def _ask(self, overview: OverviewInfo, sight: Sight, hints: Hints) -> Clients:
        if overview.statistics_disabled:
            return Clients(why="statistics_off")
        if not sight.user.sees_the_cluster:
            return Clients(why="tag_missing")
        self._definitions = self._tried(lambda: self._defined(sight))
        connections = self._tried(self._client.connections)
        if connections is None:
            return Clients(why="no_answer")
        if not hints.unroutable:
            return Clients(connections)
        return Clients(
            connections, "", self._tried(self._client.channels), self._tried(self._client.exchange_flows)
        )

    def _defined(self, sight: Sight) -> Definitions:
        vhosts = [vhost.name for vhost in self._client.vhosts()]
        return Definitions.of(vhosts, sight.hidden, self._client.policies(), self._client.operator_policies())

    def _tried(self, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except RabbitError as error:
            if not self._faults:
                log.warning("broker %s: a look at its clients failed: %s", self._client.config.slug, error)
            return None
