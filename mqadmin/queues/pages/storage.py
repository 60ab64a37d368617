"""What a queue is stored in and as: what its messages weigh, and where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from mqadmin.core.pages.formats import number, size
from mqadmin.rabbit.types import QueueDetail


def told(detail: QueueDetail) -> list[tuple[str, str]]:
    """Return (what, how much) for all that the broker says of it; what it does not say is left out."""
    return [(label, text) for label, text in _told(detail) if text]


def _told(detail: QueueDetail) -> Iterator[tuple[str, str]]:
    info, found = detail.info, detail.storage
    is_classic = info.type == "classic"
    yield _("Bodies"), _said(size, info.message_bytes)
    yield _("Bodies that are ready"), _said(size, found.get("bytes_ready"))
    yield _("Bodies that are unacked"), _said(size, found.get("bytes_unacked"))
    if is_classic:
        yield _("In memory"), _both(info.ram, info.bytes_ram)
        yield _("Outlive a restart"), _both(info.persistent, info.bytes_persistent)
        yield _("Transient, on the disk"), _both(found.get("paged_out"), found.get("bytes_paged_out"))
        yield _("Storage version"), _said(str, found.get("version"))
        yield _("Consumers could take more"), _said(_percent, info.capacity) if info.consumers else ""
    if info.type == "quorum":
        yield _("Ready again after a return"), _said(number, found.get("returned"))
        yield _("Held until dead-lettered"), _both(detail.dying, found.get("bytes_dying"))
        yield _("Open files"), _said(number, found.get("files"))
    if info.type == "stream":
        yield _("Segments"), _said(number, found.get("segments"))
        yield _("Readers"), _said(number, found.get("readers"))
    yield _("Publishers"), _said(number, detail.publishers)


def _said(form: Callable[..., str], value: float | None) -> str:
    return "" if value is None else form(value)


def _percent(share: float) -> str:
    return _("%(n)d %% of the time") % {"n": round(share * 100)}


def _both(count: int | None, weight: int | None) -> str:
    if count is None:
        return ""
    return number(count) if weight is None else f"{number(count)} · {size(weight)}"
