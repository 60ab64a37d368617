"""Marks that people and their tools post: a deployment, a change outside."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.history.models import Mark

AHEAD = timedelta(minutes=5)  # clocks differ


def post(*, by: Actor, title: str, broker: str = "", at: datetime | None = None, link: str = "") -> Mark:
    """Keep a mark. Raises Refusal (422) for a time that has not come, or one without words."""
    moment = at or timezone.now()
    words = " ".join(title.split())
    if not words:
        text = _("Say what happened.")
        raise Refusal(text, "invalid", status=422, fields={"title": text})
    if moment > timezone.now() + AHEAD:
        text = _("That time has not come yet.")
        raise Refusal(text, "invalid", status=422, fields={"at": text})
    with audit.act(by=by, action="mark.post", broker=broker, target=words):
        return Mark.objects.create(broker=broker, at=moment, title=words, link=link, actor=by.name)


def forget(oldest: datetime) -> int:
    """Delete marks from before; returns how many."""
    gone, _rows = Mark.objects.filter(at__lt=oldest).delete()
    return gone
