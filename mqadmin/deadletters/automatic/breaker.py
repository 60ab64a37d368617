"""A burst of one cause pauses the consumer that fails; one letter is tried after a while; it passes: it resumes.

The letter is tried by running the consumer's handler on it, for real, in a process of its own: nothing else
of the queue is touched meanwhile. What passed is handled, so that letter is decided then.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.definitions import definitions
from consumers.models import Consumer
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import duration
from mqadmin.deadletters.automatic import trials
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import Breaker, DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.rabbit.message import Message

log = logging.getLogger(__name__)

State = Breaker.State
BY = Actor("circuit breaker", "system")
_STUCK = trials.LEASE  # who was at it died


def save(
    *, consumer: Consumer, by: Actor, is_on: bool, number: int = 20, seconds: float = 60, rest: float = 300
) -> Breaker:
    """Set the breaker of a consumer: `number` letters of one cause within `seconds` pause it for `rest`.

    Raises Refusal (422). Switched off while it has paused the consumer, the consumer stays paused.
    """
    detail = {"is_on": is_on, "letters": number, "seconds": seconds, "rest_seconds": rest}
    with audit.act(
        by=by, action="consumer.breaker", broker=consumer.broker, target=consumer.name, detail=detail
    ):
        definitions.refuse_collector(consumer)
        if not (1 <= number <= 100_000 and 1 <= seconds <= 86_400 and 1 <= rest <= 86_400):
            raise Refusal(_("At least one letter, and from one second to a day."), "invalid", status=422)
        with transaction.atomic():
            found, _made = Breaker.objects.select_for_update().get_or_create(
                consumer=consumer, defaults={"changed_by": by.name}
            )
            if is_on != found.is_on:
                found.state, found.state_at, found.words = State.CLOSED, timezone.now(), ""
            found.is_on, found.changed_by = is_on, by.name
            found.letters, found.seconds, found.rest_seconds = number, seconds, rest
            found.save()
        return found


def step(now: datetime | None = None) -> None:
    """Look at every breaker that is on, and do what is due. May take a minute where a letter is tried."""
    moment = now or timezone.now()
    for item in Breaker.objects.filter(is_on=True).select_related("consumer"):
        try:
            _look(item, moment)
        except Refusal as refusal:  # a person was faster, or others are trying handlers: the next look sees
            log.info("%s: %s", item, refusal.text)


def _look(item: Breaker, now: datetime) -> None:
    desired = item.consumer.desired
    if item.state == State.TRYING:
        if item.state_at is None or now - item.state_at > _STUCK:
            _turn(item, State.OPEN, now, item.words)
    elif item.state == State.OPEN:
        if desired != Consumer.Desired.PAUSED:
            _turn(item, State.CLOSED, now, _("A person decided otherwise: it watches again."))
        elif item.state_at is None or now - item.state_at >= timedelta(seconds=item.rest_seconds):
            _try(item, now)
    elif desired == Consumer.Desired.RUNNING:
        _watch(item, now)


def _letters(item: Breaker) -> Any:
    """Return the letters of this consumer: by its name in their headers, else by its queue."""
    consumer = item.consumer
    rows = DeadLetter.objects.filter(broker=consumer.broker, vhost=consumer.vhost)
    return rows.filter(Q(consumer=consumer.name) | Q(consumer="", source_queue=consumer.queue))


def _watch(item: Breaker, now: datetime) -> None:
    since = now - timedelta(seconds=item.seconds)
    if item.state_at is not None:
        # What opened it before does not open it again. Letters are captured at whole milliseconds: those of the one
        # in which it began to watch count.
        since = max(since, item.state_at.replace(microsecond=item.state_at.microsecond // 1000 * 1000))
    found = _letters(item).filter(captured_at__gte=since).order_by().values("group").annotate(n=Count("pk"))
    worst = found.order_by("-n").first()
    if worst is None or worst["n"] < item.letters:
        return
    words = ngettext(
        "%(n)d letter of one cause within %(time)s: the consumer was paused.",
        "%(n)d letters of one cause within %(time)s: the consumer was paused.",
        worst["n"],
    ) % {"n": worst["n"], "time": duration(item.seconds)}
    if _turn(item, State.OPEN, now, words, group=worst["group"]):
        definitions.pause(consumer=item.consumer, by=BY)


def _try(item: Breaker, now: datetime) -> None:
    letter = _letters(item).filter(group=item.group, status=DeadLetter.Status.PARKED).order_by("-pk").first()
    if letter is None:
        _resume(item, now, _("None of the letters is left to try: the consumer was resumed."))
        return
    if not _turn(item, State.TRYING, now, item.words):
        return
    try:
        trial = trials.attempt(letter=letter, consumer=item.consumer, message=message(letter), by=BY)
    except Refusal:
        _soon_again(item, now)
        raise
    if trial is None:  # somebody was faster: another letter is tried
        _soon_again(item, now)
    elif trial.outcome == "acked":
        _resume(item, now, _("Letter #%(id)d was tried and passed: resumed.") % {"id": letter.pk})
    else:
        words = _("Letter #%(id)d was tried and failed again (%(why)s). The consumer stays paused.")
        _turn(item, State.OPEN, now, words % {"id": letter.pk, "why": trials.why(trial, letter)})


def _soon_again(item: Breaker, now: datetime) -> None:
    _turn(item, State.OPEN, now - timedelta(seconds=item.rest_seconds), item.words)


def message(letter: DeadLetter) -> Message:
    """Return what the consumer would have been given, had the letter been requeued."""
    copy = requeue.copy(letter, To("given", "", letter.source_queue), username="")
    return Message(copy.body, copy.properties, letter.source_exchange, letters.message_of(letter).routing_key)


def _resume(item: Breaker, now: datetime, words: str) -> None:
    if _turn(item, State.CLOSED, now, words):
        definitions.resume(consumer=item.consumer, by=BY)


def _turn(item: Breaker, state: Breaker.State, at: datetime, words: str, **more: Any) -> bool:
    """Change the state if it is what it was; False when somebody else was faster."""
    rows = Breaker.objects.filter(pk=item.pk, is_on=True, state=item.state)
    if not rows.update(state=state, state_at=at, words=words[:500], **more):
        return False
    item.refresh_from_db(fields=["state", "state_at", "words", "group"])
    return True
