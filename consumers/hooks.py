"""What consumers add to pages of the apps below: what needs attention, badge, search, a queue's panel."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers import metrics
from consumers.definitions import restored
from consumers.models import Consumer
from consumers.records import retention
from consumers.status import happenings, measured, remembered, summary
from consumers.status.summary import Current, Summary
from mqadmin import place
from mqadmin.core import hooks
from mqadmin.core.hooks import Attention, Badge, Hit, Link, Panel, Reader, Tile
from mqadmin.core.pages import formats, prose
from mqadmin.core.pages.once import once
from mqadmin.core.permissions import User
from mqadmin.core.rows.prepared import Prepared
from mqadmin.core.tones import Tone
from mqadmin.history import happenings as history
from mqadmin.queues.models import Queue
from mqadmin.queues.monitor import beside, remembering
from mqadmin.queues.pages import cures

FAILING_SHARE = 0.1  # of the last hour: "failing much"
FAILING_LEAST = 20  # messages: below it a share says little
HITS = 8
BROKEN = ("failed", "unsupervised", "unplaced", "lost")


def register() -> None:
    """Hang everything on the shared pages. Called once the app is ready."""
    hooks.register_attention(attention)
    hooks.register_nav_badge("consumers", badge)
    hooks.register_find(find)
    hooks.register_queue_panel(queue_panel)
    hooks.register_queue_readers(readers)
    hooks.register_overview_tiles(tiles)
    hooks.register_retention(retention.delete_old)
    hooks.register_metrics(metrics.families)
    hooks.register_restored(restored.stand_down)
    hooks.register_at_work(restored.at_work)
    hooks.register_bulky_tables(*restored.BULKY)
    history.register(happenings.happenings)
    beside.register_handling(measured.handling)
    cures.register("consume", consume)
    cures.register("consumers", look)
    remembering.register_source(remembered.source)


def attention(broker: str, user: User) -> Iterable[Attention]:  # noqa: ARG001
    """Name the consumers that do not do what they were told to, and those that fail much."""
    found = _meant(broker)
    stranded = [item for item in found if item.status.state == "unsupervised"]
    if stranded:
        yield _no_supervisor(stranded)
    for item in found:
        if item.status.state in ("failed", "lost", "unplaced", "backoff"):
            yield _down(item)
        elif item.held is not None and not item.consumer.is_collector:
            yield _held(item)
        elif _fails_much(item):
            yield _failing(item)


@once
def _meant(broker: str) -> list[Summary]:
    """Return the consumers that are not to be stopped."""
    return summary.counted(_states(broker), timezone.now())


@once
def _states(broker: str) -> list[Current]:
    """Return how they do: all that every page shows of them."""
    return summary.states(_wanted.objects(broker))


_wanted: Prepared[Consumer] = Prepared(
    lambda broker: Consumer.objects.filter(broker=broker).exclude(desired=Consumer.Desired.STOPPED)
)


def _no_supervisor(stranded: list[Summary]) -> Attention:
    count = len(stranded)
    title = ngettext(
        "%(n)d consumer is to run, but no supervisor is there",
        "%(n)d consumers are to run, but no supervisor is there",
        count,
    ) % {"n": count}
    text = _("Start one with “%(command)s run_supervisor”, on this host or another.") % {
        "command": place.COMMAND
    }
    return Attention("broken", title, text, [Link(_("Consumers"), reverse("consumer_list"))])


def _down(item: Summary) -> Attention:
    name = item.consumer.name
    title = _("Consumer %(name)s: %(state)s") % {"name": name, "state": item.status.label}
    actions = []
    if item.status.state in ("failed", "backoff"):
        actions.append(
            Link(_("Start now"), reverse("consumer_start", args=[name]), post=True, needs="operate")
        )
    if item.status.state == "unplaced":
        actions.append(Link(_("Hosts"), reverse("host_list")))
    actions.append(Link(_("Look at it"), reverse("consumer_detail", args=[name])))
    runs_in_part = item.status.state in ("backoff", "unplaced") and item.status.running > 0
    return Attention("watch" if runs_in_part else "broken", title, item.words, actions)


def _held(item: Summary) -> Attention:
    name = item.consumer.name
    title = _("Consumer %(name)s handles messages again and again") % {"name": name}
    actions = [
        Link(
            _("Set its deadline"),
            reverse("consumer_edit", args=[name]) + "#id_timeout_seconds",
            needs="configure",
        ),
        Link(_("Show its records"), reverse("consumer_detail", args=[name]) + "?outcome=ack_lost#records"),
    ]
    return Attention("watch", title, prose.paragraph((item.held_words, item.remedy)), actions)


def _fails_much(item: Summary) -> bool:
    total = item.hour.total
    return total.failed >= FAILING_LEAST and total.failed >= FAILING_SHARE * total.handled


def _failing(item: Summary) -> Attention:
    total = item.hour.total
    title = _("Consumer %(name)s fails %(percent)d %% of its messages") % {
        "name": item.consumer.name,
        "percent": 100 * total.failed / total.handled,
    }
    href = reverse("consumer_detail", args=[item.consumer.name]) + "?outcome=dead_lettered#records"
    return Attention("watch", title, item.words, [Link(_("Show the failures"), href)])


def badge(broker: str) -> Badge | None:
    """Say how many run of those that should: "11 / 12"."""
    running, wanted, is_broken = _up(broker)
    tone: Tone = "red" if is_broken else "grey"
    return Badge(f"{running} / {wanted}", tone, (running, wanted)) if wanted else None


def tiles(broker: str) -> Iterable[Tile]:
    """Say on the overview how many run of those that should: "11 of 12 up"; nothing where none should."""
    running, wanted, is_broken = _up(broker)
    if wanted:
        yield Tile(
            label=_("Consumers"),
            value=formats.number(running),
            unit=_("of %(n)s up") % {"n": formats.number(wanted)},
            tone="red" if is_broken else "",
            href=reverse("consumer_list"),
        )


def _up(broker: str) -> tuple[int, int, bool]:
    """Return how many consumers run, how many should, and whether one of these is broken."""
    found = [item for item in _states(broker) if item.consumer.desired == Consumer.Desired.RUNNING]
    running = sum(item.status.state == "running" for item in found)
    return running, len(found), any(item.status.state in BROKEN for item in found)


def find(q: str, broker: str) -> Iterable[Hit]:
    """Find consumers by name, queue or handler; those of the broker on the page come first."""
    rows = Consumer.objects.filter(Q(name__icontains=q) | Q(queue__icontains=q) | Q(handler__icontains=q))
    for consumer in sorted(rows[:100], key=lambda row: (row.broker != broker, row.name))[:HITS]:
        href = reverse("consumer_detail", args=[consumer.name])
        yield Hit(consumer.name, _("Consumer"), href, f"{consumer.queue} · {consumer.handler}")


def consume(queue: Queue) -> Link:
    """Return the way to a new consumer of a queue."""
    query = urlencode({"broker": queue.broker.slug, "vhost": queue.vhost, "queue": queue.name})
    return Link(_("New consumer…"), f"{reverse('consumer_new')}?{query}", needs="configure")


def look(queue: Queue) -> Link:
    """Return the way to a queue's consumer, where mqadmin runs it and it is the only one; else to all of them."""
    own = Consumer.objects.filter(broker=queue.broker.slug, vhost=queue.vhost, queue=queue.name)
    names = list(own.values_list("name", flat=True)[:2])
    if len(names) == 1:
        text = _("Consumer %(name)s") % {"name": names[0]}
        return Link(text, reverse("consumer_detail", args=[names[0]]))
    return Link(_("Consumers"), reverse("consumer_list"))


def queue_panel(queue: Queue, request: HttpRequest) -> Panel | None:  # noqa: ARG001
    """Show the managed consumers of a queue, and the way to a new one. Not for streams."""
    if queue.type == "stream":
        return None
    broker = queue.broker.slug
    rows = Consumer.objects.filter(broker=broker, vhost=queue.vhost, queue=queue.name)
    query = urlencode({"broker": broker, "vhost": queue.vhost, "queue": queue.name})
    context = {"summaries": summary.summaries(rows), "new_href": f"{reverse('consumer_new')}?{query}"}
    return Panel("consumers/_queue_panel.html", context)


def readers(queue: Queue) -> Iterable[Reader]:
    """Say which consumers of a queue are ours, and whether they do what they are to."""
    rows = Consumer.objects.filter(broker=queue.broker.slug, vhost=queue.vhost, queue=queue.name)
    for item in summary.summaries(rows):
        consumer, status = item.consumer, item.status
        yield Reader(
            name=consumer.name,
            href=reverse("consumer_detail", args=[consumer.name]),
            label=status.label,
            words=item.sentence,
            runs=status.state == "running",
            meant=consumer.desired == Consumer.Desired.RUNNING,
            tag=f"mqadmin.{consumer.name}.",
            tone=status.tone,
        )
