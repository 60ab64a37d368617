"""The rows that all rules of one evaluation share: brokers, and which of them are seen as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError
from django.db.models import QuerySet

from mqadmin.alerts.rules import queues_of
from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages.broker_status import stale_after


@dataclass
class World:
    """One moment. `brokers`: the configured ones by id."""

    now: datetime
    brokers: Mapping[int, Broker]
    faults: dict[str, str] = field(
        default_factory=dict
    )  # filters of channels and silences that cannot be applied
    _matching: dict[tuple[str, str], frozenset[int]] = field(default_factory=dict)

    @property
    def seen(self) -> list[int]:
        """The ids of brokers whose rows say what is so now."""
        return [pk for pk, broker in self.brokers.items() if is_seen(broker, self.now)]

    def slug(self, broker_id: int) -> str:
        return self.brokers[broker_id].slug

    def unseen_slugs(self) -> frozenset[str]:
        """The brokers of which nothing is known now: what fired there goes on, nothing begins."""
        return frozenset(broker.slug for broker in self.brokers.values() if not is_seen(broker, self.now))

    def queues(self, broker: str = "", text: str = "") -> QuerySet[Queue]:
        """The queues that are there, of brokers that are seen."""
        ids = [pk for pk in self.seen if not broker or self.slug(pk) == broker]
        return queues_of.matching(text, Queue.objects.filter(broker__in=ids, gone_at=None).order_by())

    def matching(self, broker: str, text: str) -> frozenset[int]:
        """The ids of queues that a filter means, gone ones too; asked once in a moment. Raises what a filter that
        cannot be read or applied raises."""
        key = (broker, text)
        if key not in self._matching:
            rows = Queue.objects.order_by()
            rows = rows.filter(broker__slug=broker) if broker else rows
            self._matching[key] = frozenset(queues_of.matching(text, rows).values_list("pk", flat=True))
        return self._matching[key]

    def means(self, broker: str, text: str, row_id: int | None, *, otherwise: bool) -> bool:
        """Whether a filter means a queue; `otherwise`: what is so with one that cannot be read or applied."""
        if text in self.faults:
            return otherwise
        try:
            return row_id in self.matching(broker, text)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:
            self.faults[text] = f"{type(error).__name__}: {error}"
            return otherwise


def look(now: datetime) -> World:
    """Read the brokers that are configured. Raises ConfigurationError, django.db.Error."""
    rows = Broker.objects.filter(slug__in=list(brokers.configs())).defer("history", "nodes", "unseen")
    return World(now, {row.pk: row for row in rows})


def is_seen(broker: Broker, now: datetime) -> bool:
    """Whether its rows are fresh."""
    return (
        broker.reachable is True
        and broker.sampled_at is not None
        and now - broker.sampled_at <= stale_after()
    )


def rows(found: QuerySet[Queue], *columns: str) -> Iterator[dict[str, Any]]:
    """Yield the columns of queues, and until when each is muted."""
    names = ("pk", "broker_id", "vhost", "name", "muted_until")
    yield from found.values(*names, *columns).iterator(chunk_size=2000)


def is_muted(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether a person does not want to hear of this queue now."""
    until = row["muted_until"]
    return until is not None and until > now
