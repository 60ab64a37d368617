"""What dead letters add to pages of the apps below: attention, badge, search, a queue's panel, a tile."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Record
from consumers.records import dead_letter, masks
from mqadmin.core import hooks
from mqadmin.core.acts.audit import Actor
from mqadmin.core.hooks import Attention, Badge, Bulk, Hit, Link, Panel, Tile
from mqadmin.core.pages import formats, prose
from mqadmin.core.permissions import User
from mqadmin.deadletters import metrics
from mqadmin.deadletters.automatic import restored
from mqadmin.deadletters.capture import tracking, uncaptured
from mqadmin.deadletters.capture.uncaptured import UncapturedQueue
from mqadmin.deadletters.inbox import inbox, lists, presenting, remembered
from mqadmin.deadletters.inbox.inbox import Cause
from mqadmin.deadletters.masking import in_peeks, in_records
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search.selection import Filter
from mqadmin.queues.acts import many, peeking
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor import remembering
from mqadmin.queues.pages import cures
from mqadmin.rabbit.numbers import whole

WORST = 3  # causes that are told of on the overview
SAID = 90  # characters of an error message there
MOST_COUNTED = 100_000


def register() -> None:
    """Hang everything on the shared pages. Called once the app is ready."""
    hooks.register_attention(attention)
    hooks.register_nav_badge("dead-letters", badge)
    hooks.register_find(find)
    hooks.register_queue_panel(queue_panel)
    hooks.register_queue_act(track_many)
    many.register("track")(lambda queue, by, _options: _track(queue, by))
    hooks.register_overview_tiles(tiles)
    dead_letter.register(letter_of)
    masks.register(in_records.MASK)
    peeking.register_mask(in_peeks.hide)
    hooks.register_metrics(metrics.families)
    hooks.register_restored(restored.stand_down)
    remembering.register_source(remembered.source)
    cures.register("letters", letters)
    cures.register("map", to_map)
    cures.register("track", track)


def track_many() -> Bulk:
    """Offer to track the ticked queues."""
    return Bulk(_("Track…"), "queues_track", "inbox", needs="configure")


def _track(queue: Queue, by: Actor) -> None:
    tracking.track(queue=queue, by=by)


def attention(broker: str, user: User) -> Iterable[Attention]:  # noqa: ARG001
    """Name the most frequent causes, and the dead-letter queues whose letters nobody captures."""
    parked = Filter(broker, status=DeadLetter.Status.PARKED)
    causes = inbox.causes(parked)
    yield from (_cause(broker, cause) for cause in causes[:WORST])
    if len(causes) > WORST:
        yield _more_causes(broker, causes[WORST:])
    found, more = uncaptured.fullest(broker)
    yield from (_uncaptured(item) for item in found[:WORST])
    if (more := more + len(found[WORST:])) > 0:
        yield _more_uncaptured(broker, more)


def _cause(broker: str, cause: Cause) -> Attention:
    title = ngettext("%(n)s dead letter: %(cause)s", "%(n)s dead letters: %(cause)s", cause.count) % {
        "n": formats.number(cause.count),
        "cause": cause.title,
    }
    said = Truncator("".join(text for text, _varies in cause.segments).rstrip(".")).chars(SAID)
    last = {"queue": cause.source_queue, "last": formats.ago(cause.last_at)}
    where = _("In %(queue)s, last %(last)s ago.") if cause.source_queue else _("Last %(last)s ago.")
    text = prose.paragraph((prose.ended(said), where % last))
    query = urlencode({"broker": broker, "group": cause.group})
    href = f"{reverse('letter_list')}?{query}"
    return Attention("watch", title, text, [Link(_("Look at them"), href)], is_quoted=True)


def _more_causes(broker: str, left: Sequence[Cause]) -> Attention:
    is_cut = len(left) + WORST >= inbox.MOST_CAUSES
    title = ngettext(
        "%(n)s more cause of dead letters", "%(n)s more causes of dead letters", len(left) + is_cut
    )
    href = reverse("letter_list") + "?" + urlencode({"broker": broker})
    count = formats.number(len(left)) + ("+" if is_cut else "")
    return Attention("watch", title % {"n": count}, "", [Link(_("Show them all"), href)])


def _more_uncaptured(broker: str, count: int) -> Attention:
    title = ngettext(
        "%(n)s more queue holds letters nobody captures",
        "%(n)s more queues hold letters nobody captures",
        count,
    ) % {"n": formats.number(count)}
    href = reverse("letter_list") + "?" + urlencode({"broker": broker})
    return Attention("watch", title, "", [Link(_("Show them"), href)])


def _uncaptured(found: UncapturedQueue) -> Attention:
    title = ngettext(
        "%(queue)s holds %(n)s letter nobody captures",
        "%(queue)s holds %(n)s letters nobody captures",
        found.count,
    ) % {"queue": found.queue.name, "n": formats.number(found.count)}
    track = Link(
        _("Track it"),
        reverse("queue_track", args=[found.queue.pk]),
        primary=True,
        post=True,
        needs="configure",
    )
    return Attention("watch", title, found.text, [track])


def letters(queue: Queue) -> Link:
    """Return the way to the letters that were captured from a queue."""
    return Link(_("Its letters"), _href(Filter(queue.broker.slug, vhost=queue.vhost, queue=queue.name)))


def to_map(queue: Queue) -> Link:
    """Return the way to where dead letters go."""
    return Link(
        _("Map of dead letters"), f"{reverse('letter_map')}?{urlencode({'broker': queue.broker.slug})}"
    )


def track(queue: Queue) -> Link:
    """Return the act by which a dead-letter queue is captured."""
    return Link(_("Track it"), reverse("queue_track", args=[queue.pk]), post=True, needs="configure")


def badge(broker: str) -> Badge | None:
    """Return how many letters wait for a decision."""
    count = inbox.parked(broker, MOST_COUNTED)
    if not count:
        return None
    text = formats.number(count) if count < MOST_COUNTED else f"{formats.short(count)}+"
    return Badge(text, "red", (count,))


def find(q: str, broker: str) -> Iterable[Hit]:
    """Find letters by message id (from its beginning), or by number: #17."""
    found = inbox.by_message_id(broker, q)
    number = whole(q[1:]) if q.startswith("#") else None
    if number is not None:
        found += list(DeadLetter.objects.filter(broker=broker, pk=number).only(*lists.LIST_FIELDS))
    for letter in found:
        text = f"{letter.source_queue} · {letter.error_type or letter.get_reason_display()}"
        yield Hit(presenting.name(letter), _("Letter"), reverse("letter_detail", args=[letter.pk]), text)


def queue_panel(queue: Queue, request: HttpRequest) -> Panel | None:  # noqa: ARG001
    """Tell of a dead-letter queue whether it is captured; of any other, how many of its letters are parked."""
    broker = queue.broker.slug
    tracked = tracking.of(queue)
    is_inbox = tracking.is_dead_letter_queue(queue)
    from_here = Filter(broker, vhost=queue.vhost, source=queue.name, status=DeadLetter.Status.PARKED)
    in_here = Filter(broker, vhost=queue.vhost, queue=queue.name, status=DeadLetter.Status.PARKED)
    died = from_here.rows().count()
    if tracked is None and not is_inbox and not died:
        return None
    refusal, consumed = tracking.refusal(queue), tracking.consumed(queue, queue.consumers)
    context = {
        "queue": queue,
        "tracked": tracked,
        "too_large": tracking.too_large(tracked) if tracked else "",
        "is_inbox": is_inbox,
        "refusal": refusal or consumed,
        "consumed": "" if refusal else consumed,
        "captured": in_here.rows().count() if tracked or is_inbox else 0,
        "captured_href": _href(in_here),
        "died": died,
        "died_href": _href(from_here),
    }
    return Panel("deadletters/_queue_panel.html", context)


def _href(wanted: Filter) -> str:
    return f"{reverse('letter_list')}?{urlencode(wanted.to_json())}"


def tiles(broker: str) -> Iterable[Tile]:
    """Count today's letters, hour by hour."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    points = inbox.by_hour(broker, midnight)
    today = sum(points)
    yield Tile(
        label=_("Dead letters today"),
        value=formats.number(today),
        tone="red" if today else "",
        points=points,
        href=f"{reverse('letter_list')}?{urlencode({'broker': broker})}",
    )


def letter_of(record: Record) -> dead_letter.RecordLetter | None:
    """Return the newest letter with the message id of a record that failed."""
    if not record.message_id or record.outcome not in (
        Record.Outcome.DEAD_LETTERED,
        Record.Outcome.TIMED_OUT,
    ):
        return None
    letter = (
        DeadLetter.objects.filter(
            broker=record.consumer.broker, vhost=record.consumer.vhost, message_id=record.message_id
        )
        .only(*lists.LIST_FIELDS)
        .order_by("-pk")
        .first()
    )
    if letter is None:
        return None
    text = _("letter #%(id)s, %(status)s") % {"id": letter.pk, "status": letter.get_status_display()}
    return dead_letter.RecordLetter(letter.pk, reverse("letter_detail", args=[letter.pk]), text)
