"""What of a record is not for everybody: an app above this one knows it, and hides it where records are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from consumers.models import Record

_READ = 20  # whole records in memory at a time
_LARGEST = 1_000_000  # bytes of a body that a list opens; above, the texts are hidden as a whole


@dataclass(frozen=True)
class RecordMask:
    """`hide` hides values in a record, which must not be saved then; `hide_texts` all its texts in a list, unread;
    `is_on` says whether whoever asks here must not see them, `hides_trace` whether the trace is among them."""

    hide: Callable[[Record], None]
    hide_texts: Callable[[Record], None]
    is_on: Callable[[], bool]
    hides_trace: Callable[[], bool] = lambda: False


_masks: list[RecordMask] = []


def register(mask: RecordMask) -> None:
    """Set who hides values. Called in an AppConfig.ready() above this app."""
    if mask not in _masks:
        _masks.append(mask)


def is_on() -> bool:
    """Whether something is hidden from whoever asks: then no search may look into what could show it."""
    return any(mask.is_on() for mask in _masks)


def trace_id(record: Record) -> str:
    """Return the trace that a message was handled in; "" where nobody said, or it is hidden from whoever asks."""
    return "" if any(mask.hides_trace() for mask in _masks) else record.trace_id or ""


def masked(record: Record) -> Record:
    """Return the record, in which what is hidden from whoever asks is hidden now: it must not be saved."""
    for mask in _masks:
        if mask.is_on():
            mask.hide(record)
    return record


class MaskedRecords(QuerySet[Record]):
    """Records for a list, without their wide columns: what is hidden does not show in their texts."""

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new:
            rows: Sequence[Any] = self._result_cache or ()
            _mask_texts([row for row in rows if isinstance(row, Record)])


def _mask_texts(listed: Sequence[Record]) -> None:
    texts = {row.pk: row for row in listed if row.error or row.detail}
    for mask in _masks if texts else ():
        if not mask.is_on():
            continue
        left = dict(texts)
        for whole in Record.objects.filter(pk__in=texts, size__lte=_LARGEST).iterator(_READ):
            mask.hide(whole)
            row = left.pop(whole.pk)
            row.error, row.detail = whole.error, whole.detail
        for row in left.values():
            mask.hide_texts(row)
