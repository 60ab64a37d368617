"""Whoever writes a queue says so, in the same transaction: pages know without reading a row that nothing changed.

`Broker.changes` rises with each write of one of its queues, and `Queue.changed_at` is that of the row. Both go
wrong only where rows are written past Django's ORM.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models, transaction
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.utils import timezone

from mqadmin.core.rights.rows import Named, Slug, Within, WithinSet

M = TypeVar("M", bound=models.Model)


class QueueSet(WithinSet[M]):
    """The queues, as `Queue.objects` gives them."""

    def update(self, **values: Any) -> int:
        with transaction.atomic(using=self.db):
            # Before the rows themselves, which may not match afterwards. First the broker, then its queues,
            # whoever writes: two that wrote in another order would wait for each other.
            _raise(self.model, self.db, self._brokers())
            return super().update(**{"changed_at": timezone.now(), **values})

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        with transaction.atomic(using=self.db):
            _raise(self.model, self.db, self._brokers())
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable[M], *args: Any, **options: Any) -> list[M]:
        rows = list(objs)
        with transaction.atomic(using=self.db):
            _raise(self.model, self.db, {row.broker_id for row in rows})  # type: ignore[attr-defined]
            return super().bulk_create(rows, *args, **options)

    def _brokers(self) -> set[int]:
        return set(self.order_by().values_list("broker", flat=True).distinct())


class QueueManager(Within[M]):
    """`Queue.objects`. Not by `as_manager`: mypy's cache forgets the class that this makes, and finds faults."""

    def __init__(self) -> None:
        super().__init__(Named(Slug("broker_id", "queues_broker"), "vhost", "name"), rows=QueueSet)


def written(queue: Any) -> None:
    """Say that one row is being written or deleted by itself, within the transaction that does it."""
    _raise(type(queue), "default", {queue.broker_id})


def _raise(model: type[models.Model], using: str, brokers: set[int]) -> None:
    """The number is the clock's where that is ahead: a database put back from a copy repeats none."""
    broker: Any = model._meta.get_field("broker").related_model
    number = Greatest(F("changes") + 1, Value(time.time_ns() // 1000, models.BigIntegerField()))
    broker.objects.using(using).filter(pk__in=brokers).update(changes=number)
