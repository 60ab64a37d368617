"""What a queue's page shows of why it is stuck, of what changed before, and of the way through it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.pages.formats import number
from mqadmin.core.rights import naming
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import live_queue, wording
from mqadmin.queues.pages.live_queue import LiveQueue
from mqadmin.queues.why import before, flow, gather, steps
from mqadmin.queues.why.flow import Stop
from mqadmin.rabbit.types import QueueDetail


@dataclass(frozen=True)
class Member:
    """A node that holds a copy of a queue, in words; `log`: how far it is, "" where the broker does not tell."""

    node: str
    online: bool
    role: str
    log: str = ""
    lags: bool = False


def context(queue: Queue, live: LiveQueue) -> dict[str, Any]:
    """Return what `_why.html`, `_flow.html`, `_readers.html` and `_members.html` need."""
    facts = gather.facts(queue, live)
    found = steps.walk(facts)
    to, origins = (
        _stops(queue, queue.dead_letters_to, "amber"),
        _stops(queue, queue.dead_letters_from, "amber"),
    )
    return {
        # Where the broker tells nothing of it, the page's head says so, and there is nothing more to say.
        "stuck": [step for step in found if step.ok is False] if len(found) > 1 else [],
        "unstuck": [step for step in found if step.ok is not False] if len(found) > 1 else [],
        "steps_verdict": steps.verdict(found),
        "before": before.of_queue(queue),
        "way": flow.way(facts, sources=origins, dead=to, upstream=gather.upstream(queue, facts)),
        "choice": wording.choice(queue.dead_letter_choice),
        "holders": facts.holders,
        "members": members(queue, live.detail),
    }


def _stops(queue: Queue, names: Sequence[str], tone: str) -> list[Stop]:
    """Return each queue, with a link where it has a row."""
    names = naming.seen(queue.broker.slug, queue.vhost, names)
    rows = Queue.objects.filter(broker=queue.broker, vhost=queue.vhost, name__in=names, gone_at__isnull=True)
    known = {name: (pk, total) for pk, name, total in rows.values_list("pk", "name", "total")}
    found = []
    for name in names:
        pk, total = known.get(name, (None, None))
        text = _("%(n)s in it") % {"n": number(total)} if total is not None else ""
        href = reverse("queue_detail", args=[pk]) if pk is not None else ""
        found.append(Stop(name, text, href, tone="amber" if tone == "amber" and total else "grey"))
    return found


def members(queue: Queue, detail: QueueDetail | None) -> list[Member]:
    """Return who holds a copy of the queue, and how far behind its leader each is."""
    replicas = gather.replicas(queue, detail)
    found = []
    for member in live_queue.members(detail):
        replica = replicas.get(member.node)
        behind = replica.behind if replica and member.online else None
        role = _("leads") if member.leads else _("follows")
        if not behind:
            log = _("up to date") if behind == 0 else ""
        else:
            log = _("%(n)s entries behind") % {"n": number(behind)}
        found.append(Member(member.node, member.online, role, log, bool(behind and behind > _LAGS)))
    return found


_LAGS = 1000  # entries of the log: what is under way between two members is less
