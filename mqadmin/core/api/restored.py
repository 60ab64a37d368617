"""The API's calls for what is said of a database that was restored from a backup."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from mqadmin.core.acts import audit
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import OPERATE, VIEW, PageQuery, one
from mqadmin.core.backups import notice
from mqadmin.core.models import Restored

router = Router(tags=["operations and audit"], auth=VIEW)


class RestoredOut(Schema):
    """A restore. `taken_at`: the backup; what was done from then to `at` is not known.

    `lines`: what was switched off.
    """

    id: int
    taken_at: datetime
    at: datetime
    by: str
    lines: list[str]
    dismissed_at: datetime | None
    dismissed_by: str


class RestoredList(Schema):
    items: list[RestoredOut]
    total: int
    next: str | None


@router.get("/restored", response=RestoredList)
def restored_list(request: HttpRequest, wanted: Query[PageQuery]) -> Page:  # noqa: ARG001
    """List how often this database was restored from a backup, newest first."""
    return paginate(Restored.objects.all(), limit=wanted.limit, cursor=wanted.cursor)


@router.post("/restored/{int:restored_id}/dismiss", response=RestoredOut, auth=OPERATE)
def restored_dismiss(request: HttpRequest, restored_id: int) -> Restored:
    """Have the pages say no more that this database was restored. 409 when somebody was first."""
    rows = Restored.objects.filter(pk=restored_id)
    restored = one(rows, _("There is no restore %(id)s.") % {"id": restored_id})
    notice.dismiss(restored=restored, by=audit.actor(request))
    restored.refresh_from_db()
    return restored
