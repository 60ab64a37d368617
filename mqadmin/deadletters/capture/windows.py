"""Windows of captured letters whose ack is in doubt (docs/adr/0005-capture-windows.md)."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from mqadmin.deadletters.letter.letters import CapturedQueue
from mqadmin.deadletters.models import CaptureWindow, DeadLetter

SETTLED = ~Exists(
    CaptureWindow.objects.filter(
        broker=OuterRef("broker"),
        vhost=OuterRef("vhost"),
        queue=OuterRef("dead_letter_queue"),
        first__lte=OuterRef("pk"),
        last__gte=OuterRef("pk"),
    )
)
"""Condition on letters: nobody waits to hear that the broker took their ack."""


def settled() -> QuerySet[DeadLetter]:
    """Return the letters that are no longer the broker's."""
    return DeadLetter.objects.filter(SETTLED)


def of(place: CapturedQueue) -> QuerySet[CaptureWindow]:
    """Return the windows of one queue that are in doubt."""
    return CaptureWindow.objects.filter(broker=place.broker, vhost=place.vhost, queue=place.queue)


def doubtful(place: CapturedQueue) -> list[tuple[int, str, int]]:
    """Return (primary key, fingerprint, window) of each letter of the queue whose ack is in doubt."""
    found = []
    for window in of(place).order_by("pk"):  # two at most, but for crashes in a row
        rows = DeadLetter.objects.filter(
            broker=place.broker,
            vhost=place.vhost,
            dead_letter_queue=place.queue,
            pk__gte=window.first,
            pk__lte=window.last,
        )
        found += [(pk, print_, window.pk) for pk, print_ in rows.values_list("pk", "fingerprint")]
    return found


def begin(place: CapturedQueue, above: int) -> None:
    """Note that what was stored above this primary key is in doubt. In the transaction that stored it."""
    last = DeadLetter.newest_id()
    if last > above:
        CaptureWindow.objects.create(
            broker=place.broker, vhost=place.vhost, queue=place.queue, first=above + 1, last=last
        )
