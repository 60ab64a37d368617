"""Starting and stopping taps, keeping what they saw, and forgetting it."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, require_name
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.query.syntax import BadQuery
from mqadmin.core.rows import deleting
from mqadmin.passing.models import Firehose, Seen, Tap
from mqadmin.passing.tapping import firehose, matching, plan, running, words
from mqadmin.rabbit.administration import tracing
from mqadmin.rabbit.errors import NotFound

MINUTES, MOST_MINUTES = 5, 60
RATE, MOST_RATE = 20, 200
MOST_OPEN = 5  # at once, of the installation
KEPT = timedelta(hours=4)  # what was seen, after the tap's end, unless somebody keeps it
DELETING_S = 20.0


def start(
    *,
    broker: str,
    vhost: str,
    kind: str,
    name: str,
    by: Actor,
    query: str = "",
    rate: int = RATE,
    minutes: int = MINUTES,
    use_firehose: bool = False,
) -> Tap:
    """Begin to look at what passes a queue or an exchange.

    `kind`: queue or exchange. `use_firehose`: switch on tracing of the whole virtual host for it. The broker
    is asked
    first whether it can be done: Refusal with the field to blame, 409 `tracing_on` where somebody else traces,
    `too_many`; 404 where there is no such thing. Raises RabbitError.
    """
    target = f"{kind} {vhost}:{name}"
    detail = {"query": query, "rate": rate, "minutes": minutes, "firehose": use_firehose}
    with audit.act(by=by, action="tap.start", broker=broker, target=target, detail=detail) as entry:
        tap = Tap(broker=broker, vhost=vhost, kind=kind, name=name, query=query, rate=rate)
        tap.is_firehose, tap.created_by = use_firehose, by.name
        tap.ends_at = timezone.now() + timedelta(minutes=minutes)
        _check(tap, minutes)
        # An exchange is of the whole virtual host, and the firehose traces all of it.
        permissions.require(broker, vhost, None if use_firehose else tap.of_queue)
        _ask(tap)
        with transaction.atomic():
            if Tap._base_manager.filter(state__in=Tap.OPEN).count() >= MOST_OPEN:
                text = _("%(n)d taps are open already, and more are not held at once. Stop one first.")
                raise Refusal(text % {"n": MOST_OPEN}, "too_many")
            tap.save()
        entry.detail = {**entry.detail, "tap": tap.pk}
    return tap


def _check(tap: Tap, minutes: int) -> None:
    brokers.config(tap.broker)
    if tap.kind not in Tap.Kind.values:
        raise blame("kind", _("A queue or an exchange can be tapped."))
    require_name("vhost", tap.vhost)
    require_name("name", tap.name, empty=tap.kind == Tap.Kind.EXCHANGE)
    if not 1 <= minutes <= MOST_MINUTES:
        raise blame("minutes", _("Between 1 and %(n)d minutes.") % {"n": MOST_MINUTES})
    if not 1 <= tap.rate <= MOST_RATE:
        raise blame("rate", _("Between 1 and %(n)d messages a second.") % {"n": MOST_RATE})
    try:
        matching.read(tap.query)
    except BadQuery as error:
        raise blame("query", error.message) from error


def _ask(tap: Tap) -> None:
    """Ask the broker whether it can be tapped now."""
    client = brokers.client(tap.broker)
    try:
        found = plan.plan(client, tap)
    except NotFound as error:
        raise Refusal(str(error), "not_found", status=404) from error
    if found.refused:
        text = words.refused(found.refused)
        raise Refusal(text, found.refused, fields={words.FIELD.get(found.refused, "name"): text})
    if tap.is_firehose:
        ours = Firehose.objects.filter(broker=tap.broker, vhost=tap.vhost).exists()
        if tracing.is_on(client, tap.vhost) and not ours:
            text = firehose.taken(tap.vhost)
            raise Refusal(text, "tracing_on", fields={"use_firehose": text})


def stop(*, tap: Tap, by: Actor) -> None:
    """End a tap before its time. Raises Refusal where it has ended."""
    with audit.act(by=by, action="tap.stop", broker=tap.broker, target=str(tap)):
        if Tap.objects.filter(pk=tap.pk, state__in=Tap.OPEN).update(is_stopping=True) != 1:
            raise Refusal(_("It has ended already."), "wrong_state")
        waiting = Tap.objects.filter(pk=tap.pk, state=Tap.State.WAITING).first()
        if waiting is not None:
            running.end(waiting, "")


def keep(*, tap: Tap, title: str, by: Actor) -> None:
    """Keep what a tap saw under a title, so that it is not deleted; "" lets it go. Raises Refusal."""
    with audit.act(by=by, action="tap.keep", broker=tap.broker, target=str(tap), detail={"title": title}):
        title = title.strip()
        if len(title) > 80:
            raise blame("title", _("At most %(n)d characters.") % {"n": 80})
        if title and not Seen.objects.filter(tap=tap).exists():
            raise Refusal(_("It saw nothing that could be kept."), "nothing_to_do")
        Tap.objects.filter(pk=tap.pk).update(title=title)


def forget() -> str:
    """Delete what was seen by taps that ended a while ago and that nobody keeps; returns what it did, or ""."""
    old = Tap.objects.filter(state=Tap.State.ENDED, title="", ended_at__lt=timezone.now() - KEPT)
    steps = deleting.Steps(DELETING_S)
    gone = deleting.all_of(Seen.objects.filter(tap__in=old), steps)
    if steps.goes_on:
        deleting.all_of(old.filter(messages=None), steps)
    return f"{gone} messages seen by taps" if gone else ""
