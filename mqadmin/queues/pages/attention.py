"""What of brokers and queues needs attention now, and the other things this app hangs on shared pages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from django.db.models import Count, Q, QuerySet
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from mqadmin.core.hooks import Attention, Badge, Hit, Link, Tile
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number, rate, short
from mqadmin.core.permissions import User
from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking, naming
from mqadmin.queues.health.facts import RANK
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import broker_wording, listing, rights, totals, wording
from mqadmin.queues.pages.broker_status import status_now

SHOWN = 6
FOUND = 8
GONE_TOLD = timedelta(hours=1)
_LACKS = "members_away"


def attention(slug: str, _user: User) -> Iterator[Attention]:
    """Yield the broker's own faults, then its worst queues; more of them as one line with a link."""
    status = status_now(slug)
    if not status.ok:
        level = "broken" if status.level in ("down", "never") else "watch"
        words = prose.paragraph((status.text, status.detail))
        yield Attention(level, status.title, words, since=status.at)  # type: ignore[arg-type]
    if rights.is_blind(status.broker) and naming.holds("view", slug):
        for note in rights.notes(status.broker)[:1]:
            yield Attention("broken", note.title, note.text)
    if status.broker is not None:
        yield from broker_wording.attention(status.broker)
        yield from _of_queues(status.broker)


def _of_queues(broker: Broker) -> Sequence[Attention]:
    """Return what is to be told of queues: the same for all who may as much, until one is written or the minute is
    over."""
    minute = int(time.time() // 60)
    key = (broker.pk, broker.changes, minute, get_language(), get_script_prefix(), asking.mark())
    found = _told.get(key)
    return _told.put(key, tuple(_anew(broker.slug))) if found is None else found


_told: Remembered[tuple[Attention, ...]] = Remembered(50)


def _anew(slug: str) -> Iterator[Attention]:
    # Of the index `queues_listed`: few of ten thousand rows are read.
    found = wanted(slug).filter(health_rank__gte=RANK["watch"])
    counts = found.aggregate(
        broken=Count("pk", filter=_BROKEN),
        watch=Count("pk", filter=_WATCH),
        lacking=Count("pk", filter=_LACKING),
    )
    has_vhosts = any(counts.values()) and listing.has_vhosts(slug)
    yield from _queues(slug, "broken", found.filter(_BROKEN), counts["broken"], has_vhosts)
    yield from _without_a_member(slug, found.filter(_LACKING), counts["lacking"])
    yield from _gone(slug)
    yield from _queues(slug, "watch", found.filter(_WATCH), counts["watch"], has_vhosts)


_BROKEN = Q(health="broken")
_LACKING = Q(health="watch", health_reasons__0__code=_LACKS)  # they are told as one
# Not what mqadmin.deadletters speaks of, with the button that helps: letters that wait or arrive. A row without a
# reason has no first one to compare.
_WATCH = Q(health="watch", is_inbox=False) & (
    ~Q(health_reasons__0__code=_LACKS) | Q(health_reasons__0__code__isnull=True)
)


def _queues(
    slug: str, level: Literal["broken", "watch"], found: QuerySet[Queue], count: int, has_vhosts: bool
) -> Iterator[Attention]:
    for queue in found.order_by("-total", "name")[:SHOWN] if count else ():
        open_it = Link(_("Open"), reverse("queue_detail", args=[queue.pk]))
        words = prose.paragraph(wording.sentences(_troubles(queue)))
        if has_vhosts:
            words = _("%(words)s In vhost %(vhost)s.") % {"words": words, "vhost": queue.vhost}
        title, since = wording.headline(queue.name, queue.health_reasons), _since(queue.health_reasons)
        yield Attention(level, title, words, [open_it], since)
    if count > SHOWN:
        more = count - SHOWN
        title = ngettext("%(n)s more queue", "%(n)s more queues", more) % {"n": number(more)}
        href = reverse("queue_list") + listing.QueueSearch(slug, show=level).address()
        yield Attention(level, title, _("In the same state."), [Link(_("Show them all"), href)])


def _troubles(queue: Queue) -> list[dict[str, Any]]:
    """Return the reasons for which it is here: what is only news stays on its own page."""
    return [item for item in queue.health_reasons if item.get("level", queue.health) in ("broken", "watch")]


def wanted(slug: str) -> QuerySet[Queue]:
    """Return the queues that may ask for attention: not those that somebody muted."""
    return listing.present(slug).exclude(muted_until__gt=timezone.now())


def _gone(slug: str) -> Iterator[Attention]:
    """Tell for a while of queues that are gone though they were in use: that one deletes, or loses with a node."""
    since = timezone.now() - GONE_TOLD
    used = Q(total__gt=0) | Q(consumers__gt=0) | Q(publish_rate__gt=0)
    gone = Queue.objects.filter(
        used, broker__slug=slug, gone_at__gte=since, auto_delete=False, exclusive=False
    )
    found = gone.exclude(muted_until__gt=timezone.now()).order_by("-total", "name")
    rows = list(found[: SHOWN + 1])
    if not rows:
        return
    first = rows[0]
    if len(rows) == 1:
        title = _("%(queue)s is gone") % {"queue": first.name}
    else:
        count = str(SHOWN) + "+" if len(rows) > SHOWN else number(len(rows))
        title = _("%(n)s queues are gone") % {"n": count}
    parts = [f"{row.name} ({_held(row)})" for row in rows[:SHOWN]]
    text = _("They were in use: %(names)s.") if len(rows) > 1 else _("It was in use: %(names)s.")
    link = Link(_("Open"), reverse("queue_detail", args=[first.pk]))
    yield Attention("watch", title, text % {"names": prose.listed(parts)}, [link], first.gone_at)


def _held(queue: Queue) -> str:
    """Return what a queue had when it was last seen."""
    if queue.total:
        return ngettext("%(n)s message", "%(n)s messages", queue.total) % {"n": number(queue.total)}
    count = queue.consumers or 0
    return ngettext("%(n)s consumer", "%(n)s consumers", count) % {"n": number(count)}


def _since(reasons: Sequence[Mapping[str, Any]]) -> datetime | None:
    """Return since when the worst reason holds, None where that is not known."""
    at = reasons[0].get("since") if reasons else None
    return datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else None


def _without_a_member(slug: str, lacking: QuerySet[Queue], count: int) -> Iterator[Attention]:
    """Yield one line for all queues that lack a member: with a node down they are many, and it is one thing."""
    if not count:
        return
    rows = list(lacking.order_by("-total", "name")[:100])
    if count == 1:
        title = wording.headline(rows[0].name, rows[0].health_reasons)
        text = wording.sentences(rows[0].health_reasons)[0]
        link = Link(_("Open"), reverse("queue_detail", args=[rows[0].pk]))
    else:
        title = ngettext("%(n)s queue lacks a member", "%(n)s queues lack a member", count) % {
            "n": number(count)
        }
        away = sorted({node for row in rows for node in row.health_reasons[0]["params"]["away"]})
        text = _("Away: %(nodes)s. They go on while most of their members are there.") % {
            "nodes": prose.listed(away)
        }
        href = reverse("queue_list") + listing.QueueSearch(slug, show="watch").address()
        link = Link(_("Show them all"), href)
    yield Attention("watch", title, text, [link])


def badge(slug: str) -> Badge | None:
    """Return the number of queues for the sidebar."""
    broker = status_now(slug).broker
    if broker is None or broker.sampled_at is None:
        return None
    count = totals.queues(broker)
    return Badge(number(count), counts=(count,))


def find(q: str, slug: str) -> Iterator[Hit]:
    """Yield queues by name, those in trouble first."""
    rows = listing.present(slug).filter(name__icontains=q).order_by("-health_rank", "name")[:FOUND]
    for queue in rows:
        text = " · ".join(filter(None, (queue.vhost, *wording.sentences(queue.health_reasons)[:1])))
        yield Hit(queue.name, _("Queue"), reverse("queue_detail", args=[queue.pk]), text)


def tiles(slug: str) -> list[Tile]:
    """Return the totals of the broker, or of what is theirs on it; what is not reported is shown as unknown."""
    broker = Broker.objects.filter(slug=slug).first() or Broker(slug=slug)
    href = reverse("queue_list") + listing.QueueSearch(slug, sort="-ready").address()
    sums, history = totals.of(broker), totals.history(broker)

    def tile(label: str, name: str, *, per_second: bool, href: str = "") -> Tile:
        value = sums.get(name)
        line = [point[1] for point in history.get(name, [])]
        text = rate(value) if per_second else short(value)
        known = per_second and value is not None
        return Tile(label, text, _("/s") if known else "", "", line, href)

    return [
        tile(_("Ready"), "ready", per_second=False, href=href),
        tile(_("Unacked"), "unacked", per_second=False),
        tile(_("In"), "publish_rate", per_second=True),
        tile(_("Acked"), "ack_rate", per_second=True),
    ]
