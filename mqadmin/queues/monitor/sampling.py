"""One broker's samples: ask RabbitMQ once, judge every queue, write the rows that changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mqadmin.history import steps
from mqadmin.queues.health.memory import Memory
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor import (
    arrivals_kept,
    beside,
    broker_rows,
    queue_store,
    remembering,
    sight,
    topology,
    traits,
)
from mqadmin.queues.monitor.arrivals import Arrivals
from mqadmin.queues.monitor.cluster import changes, events
from mqadmin.queues.monitor.cluster.changes import Event
from mqadmin.queues.monitor.cluster.watch import Sampled, Watch
from mqadmin.queues.monitor.members import Members, asking
from mqadmin.queues.monitor.observing import NOWHERE, DeadLetterRoute, Key, Surroundings
from mqadmin.queues.monitor.queue_row import Known, Row, hide, update
from mqadmin.queues.monitor.queue_store import CHUNK
from mqadmin.queues.monitor.sight import Cluster, Sight
from mqadmin.queues.standing.keeping import Keeper
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.entries import Kept
from mqadmin.rabbit.types import OverviewInfo, QueueInfo

log = logging.getLogger(__name__)

TOPOLOGY_S = 30.0
TRAITS_S = 300.0
GONE_KEPT = timedelta(hours=24)
CARED_FOR_KEPT = timedelta(days=90)  # with an owner, a note and the like that a person gave it
FLEETING_KEPT = timedelta(minutes=10)  # exclusive and auto-delete queues come and go by the thousand


@dataclass(frozen=True)
class Sample:
    """What one sample found and cost. Seconds: `asked` the broker, `judged`, `wrote` the database."""

    queues: int
    written: int
    gone: int
    asked: float
    judged: float
    wrote: float


class Sampler:
    """Samples one broker. For one thread; keeps what it wrote, so that the next sample writes only changes.

    `sample` raises RabbitError (also recorded in the `Broker` row by `fail`) and django.db.Error; after
    either the next call goes on, after a database error by reading the rows back first.
    """

    def __init__(self, slug: str, client: ManagementClient) -> None:
        self.slug = slug
        self.listing_s = 0.0  # what the last list took
        self._client = client
        self._broker: Broker | None = None
        self._known: dict[Key, Known] = {}
        self._routes: dict[Key, DeadLetterRoute] = {}
        self._shape: int | None = None
        self._mapped_at = float("-inf")
        self._judged_at: float | None = None
        self._arrivals_at: float | None = None
        self._history = remembering.History(slug)
        self._keeper = Keeper()
        self._traits: dict[str, Any] = {}
        self._learnt_at = float("-inf")
        self._sight = Sight()
        self._watch = Watch(client)
        self._kept: Kept[QueueInfo] = Kept()
        self._members = Members(slug, asking(client))

    def forget(self) -> None:
        """Read the rows back before the next sample: they may have changed under us."""
        self._broker = None
        self._history.forget()

    def sample(self, now: float | None = None) -> Sample:
        """Take one sample at epoch `now` (default: the clock). Asks with one list call, whoever watches."""
        started = time.monotonic()
        overview, around = self._client.overview(), sight.cluster(self._client)
        listing = time.monotonic()
        infos = self._client.queues(kept=self._kept)
        self.listing_s = time.monotonic() - listing
        at = time.time() if now is None else now
        broker = self._loaded()
        self._look_around(broker, infos, at)
        self._learn(overview, at)
        asked = time.monotonic()
        known = len(self._known)
        try:
            made = self._made(infos)
            changed = self._judge(broker, infos, around, at) + self._hide(infos)
            judged = time.monotonic()
            queue_store.write(broker, list(self._rows(changed)), at)
            self._keeper.keep(broker, at, are_new=len(self._known) > known)
            gone = self._mark_gone(broker, infos, at)
            stayed = [key for key, row in self._rows(gone) if changes.stays(key[1], row.what())]
            found = Sampled(overview, around, infos, self._sight, self._traits, self.listing_s, made, stayed)
            observed = self._watch.observe(broker, found, at)
            with transaction.atomic():
                events.write(self.slug, observed.events)
                broker_rows.sampled(broker, found, observed, at)
            self._history.record(broker.totals, around.nodes or (), infos, self._oldest(), at)
            if self._arrivals_at is None or at - self._arrivals_at >= arrivals_kept.EVERY_S:
                self._keep_arrivals(broker, at)
        except Exception:
            self.forget()
            raise
        end = time.monotonic()
        self._members.look(infos, around.nodes or (), at)
        return Sample(len(infos), len(changed), len(gone), asked - started, judged - asked, end - judged)

    def fail(self, error: RabbitError) -> None:
        """Record that the broker could not be sampled, and why; its queues stay as they were last seen."""
        broker, _created = Broker.objects.get_or_create(slug=self.slug)
        if broker.reachable is not False:
            events.write(self.slug, [Event(time.time(), "does_not_answer", {"error": error.code})])
        broker_rows.failed(broker, error)
        if self._broker is not None:
            self._broker.reachable = False

    def rest(self) -> None:
        """Store what the next sampler needs to go on as if it had been there. Raises django.db.Error."""
        if self._broker is not None and self._judged_at is not None:
            self._keep_arrivals(self._broker, self._judged_at)

    def _keep_arrivals(self, broker: Broker, at: float) -> None:
        waiting = {
            key: known.arrivals
            for key, known in self._known.items()
            if known.arrivals is not None
            and known.row is not None
            and known.row.oldest_at is not None
            and known.row.gone_at is None
        }
        arrivals_kept.write(broker, waiting, at)
        self._arrivals_at = at

    def _loaded_arrivals(self, broker: Broker) -> dict[Key, Arrivals]:
        """Return what is known of arrivals: by this sampler, or by another that looked later."""
        own = {key: known.arrivals for key, known in self._known.items() if known.arrivals is not None}
        at, stored = arrivals_kept.read(broker)
        if at is None or (self._judged_at is not None and self._judged_at >= at):
            return own
        self._judged_at = at
        return stored

    def _oldest(self) -> dict[Key, int | None]:
        return {key: known.row.oldest_at for key, known in self._known.items() if known.row is not None}

    def _loaded(self) -> Broker:
        if self._broker is None:
            broker, _created = Broker.objects.get_or_create(slug=self.slug)
            arrivals = self._loaded_arrivals(broker)
            self._known = {
                key: Known(row=row, memory=Memory.from_json(row.read("facts")), arrivals=arrivals.get(key))
                for key, row in queue_store.read(broker)
            }
            self._broker = broker
        return self._broker

    def _look_around(self, broker: Broker, infos: Sequence[QueueInfo], at: float) -> None:
        """Look at bindings, exchanges and rights now and then, and at once when queues or definitions change."""
        shape = topology.shape(infos)
        if shape == self._shape and at - self._mapped_at < TOPOLOGY_S:
            return
        bindings, exchanges = self._client.bindings(), self._client.exchanges()
        worked = {key for key, known in self._known.items() if known.memory.consumers_seen}
        self._routes = topology.routes(
            infos, bindings, exchanges, captured=self._tracked(broker), worked=worked
        )
        vhosts = {vhost for (vhost, _name), known in self._known.items() if not known.is_gone}
        self._sight = sight.look(self._client, exchanges, vhosts, self._sight)
        self._shape, self._mapped_at = shape, at

    def _learn(self, overview: OverviewInfo, at: float) -> None:
        """Ask now and then for what changes with a person's act only."""
        if at - self._learnt_at >= TRAITS_S:
            self._traits, self._learnt_at = traits.ask(self._client, overview), at

    def _judge(self, broker: Broker, infos: Iterable[QueueInfo], cluster: Cluster, at: float) -> list[Key]:
        tracked = self._tracked(broker)
        around = Surroundings(
            at,
            tuple(sorted({alarm.resource for alarm in cluster.alarms or ()})),
            settings.MQADMIN_PARKING_QUEUE,
            before=self._judged_at,
            gap=steps.gap(),
            calm=beside.is_calm(cluster),
            limits=beside.own_limits(broker),
            handling=beside.handling(self.slug, at),
            emptied=beside.emptied(broker, at),
            lags=self._members.found,
            zone=timezone.get_default_timezone(),
        )
        self._judged_at = at
        changed = []
        for info in infos:
            key = info.key
            known = self._known.setdefault(key, Known())
            if update(known, info, self._routes.get(key, NOWHERE), key in tracked, around):
                changed.append(key)
        return changed

    def _hide(self, infos: Iterable[QueueInfo]) -> list[Key]:
        """Note of the queues in virtual hosts that may not be seen any more that nothing is known; return them."""
        listed = {info.key for info in infos}
        hidden = set(self._sight.hidden)
        found = [key for key in self._known if key[0] in hidden and key not in listed]
        return [key for key in found if hide(self._known[key])]

    def _tracked(self, broker: Broker) -> set[Key]:
        return set(Queue.objects.filter(broker=broker, tracked=True).values_list("vhost", "name"))

    def _rows(self, keys: Iterable[Key]) -> Iterator[tuple[Key, Row]]:
        for key in keys:
            if (row := self._known[key].row) is not None:
                yield key, row

    def _made(self, infos: Iterable[QueueInfo]) -> list[Key]:
        """Return the queues that were not there at the last sample, of those that are made to stay."""
        known = self._known
        new = (info for info in infos if info.key not in known or known[info.key].is_gone)
        return [info.key for info in new if changes.stays(info.name, asdict(info))]

    def _mark_gone(self, broker: Broker, infos: Iterable[QueueInfo], at: float) -> list[Key]:
        """Note which queues are gone, and return them."""
        moment = datetime.fromtimestamp(at, UTC)
        listed = {info.key for info in infos}
        hidden = set(self._sight.hidden)
        missing = [key for key in self._known if key not in listed and key[0] not in hidden]
        new = [key for key in missing if not self._known[key].is_gone]
        # After a restart of a broker these may be thousands: a few statements for all of them.
        for vhost, keys in groupby(sorted(new), key=itemgetter(0)):
            remaining = iter(keys)
            while chunk := [name for _vhost, name in islice(remaining, CHUNK)]:
                Queue.objects.filter(broker=broker, vhost=vhost, name__in=chunk).update(gone_at=moment)
        for key in new:
            self._known[key].go(moment)
        if missing:
            self._delete_old(broker, missing, moment)
        return new

    def _delete_old(self, broker: Broker, missing: Iterable[Key], moment: datetime) -> None:
        fleeting = Q(exclusive=True) | Q(auto_delete=True)
        old = Q(gone_at__lt=moment - GONE_KEPT) | (fleeting & Q(gone_at__lt=moment - FLEETING_KEPT))
        forgotten = Q(own=[], note="") | Q(gone_at__lt=moment - CARED_FOR_KEPT)
        deleted, _rows = Queue.objects.filter(old, forgotten, broker=broker, tracked=False).delete()
        if deleted:
            left = set(
                Queue.objects.filter(broker=broker, gone_at__isnull=False).values_list("vhost", "name")
            )
            for key in [key for key in missing if key not in left]:
                del self._known[key]
