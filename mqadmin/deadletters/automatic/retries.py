"""Rules that requeue letters by themselves: a few times, ever later, then they are left for a person.

A letter that dies again is a new letter that came back under the requeue id of the one before: so its retries
are counted along that chain, and no header of a publisher is believed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter, LetterEvent, PlannedRetry, RetryRule
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.errors import RabbitError

log = logging.getLogger(__name__)

Status, State = DeadLetter.Status, PlannedRetry.State
BATCH = 1_000
# So long after its capture a letter is surely committed, and with it every one with a smaller id.
SETTLED = timedelta(seconds=60)
MOST_RETRIES = 50
LONGEST = 30 * 86_400.0
# Stored after the rule was switched on and yet not captured since: it may have died years ago, elsewhere.
_IMPORTED = Exists(LetterEvent.objects.filter(letter=OuterRef("pk"), kind="imported"))


def delay(rule: RetryRule, number: int) -> float:
    """Return the seconds before the `number`th retry, from 1. Pure."""
    exponent = min(number - 1, 64)  # beyond any delay that is allowed, and no float overflows
    return float(min(rule.first_delay * rule.factor**exponent, rule.max_delay))


def save(
    *,
    by: Actor,
    broker: str,
    vhost: str = "",
    source: str = "",
    group: str = "",
    at_most: int = 3,
    first_delay: float = 60,
    factor: float = 5,
    max_delay: float = 86_400,
    is_on: bool = False,
) -> RetryRule:
    """Make or change the rule of a queue (`vhost`, `source`) or a cause (`group`); delays in seconds.

    It is about letters that are captured, not imported, from the moment it is switched on. Raises Refusal (422).
    """
    values = {
        "at_most": at_most,
        "first_delay": first_delay,
        "factor": factor,
        "max_delay": max_delay,
        "is_on": is_on,
    }
    target = f"cause {group}" if group else f"{vhost}:{source}"
    with audit.act(by=by, action="dead_letters.retry_rule", broker=broker, target=target, detail=values):
        _check(vhost, source, group, at_most, first_delay, factor, max_delay)
        # The letters of a cause may be anywhere on the broker.
        place = (vhost, source) if source else (None, None)
        permissions.require(broker, *place, field="source" if source else "")
        key = {"broker": broker, "vhost": vhost, "source": source, "group": group}
        with transaction.atomic():
            rule, made = RetryRule.objects.select_for_update().get_or_create(
                **key, defaults={**values, "changed_by": by.name}
            )
            if is_on and (made or not rule.is_on):
                rule.seen = DeadLetter.newest_id()
            for name, value in values.items():
                setattr(rule, name, value)
            rule.changed_by = by.name
            rule.save()
        return rule


def _check(
    vhost: str, source: str, group: str, at_most: int, first_delay: float, factor: float, max_delay: float
) -> None:
    wrong = {}
    if bool(group) == bool(source):
        wrong["source"] = _("Name either a queue or a cause.")
    if source and not vhost:
        wrong["vhost"] = _("Name the virtual host of the queue.")
    if not 1 <= at_most <= MOST_RETRIES:
        wrong["at_most"] = _("From 1 to %(n)d.") % {"n": MOST_RETRIES}
    if not 1 <= first_delay <= LONGEST:
        wrong["first_delay"] = _("From one second to 30 days.")
    if not 1 <= factor <= 100:
        wrong["factor"] = _("From 1 to 100.")
    if not first_delay <= max_delay <= LONGEST:
        wrong["max_delay"] = _("Not less than the first delay, at most 30 days.")
    if wrong:
        text = " ".join(f"{name}: {words}" for name, words in wrong.items())
        raise Refusal(text, "invalid", status=422, fields=wrong)


def delete(*, rule: RetryRule, by: Actor) -> None:
    """Delete a rule; what it waits to do is not done."""
    with audit.act(by=by, action="dead_letters.retry_rule", broker=rule.broker, target=f"{rule} deleted"):
        rule.delete()


def step(now: datetime | None = None) -> int:
    """Look at all rules that are on: note new letters, requeue those that are due. Returns how many were.

    May be called at any time, also twice at once: a letter has one row, and one claim.
    """
    moment = now or timezone.now()
    sent = 0
    for rule in RetryRule.objects.filter(is_on=True):
        try:
            _note_new(rule, moment)
            sent += _send_due(rule, moment)
        except RabbitError as error:
            log.warning("%s waits for the broker: %s", rule, error)
    return sent


def _letters(rule: RetryRule) -> selection.Filter:
    return selection.Filter(
        rule.broker, vhost=rule.vhost, source=rule.source, group=rule.group, status=Status.PARKED.value
    )


def _note_new(rule: RetryRule, now: datetime) -> None:
    captured = _letters(rule).rows().filter(windows.SETTLED, ~_IMPORTED, pk__gt=rule.seen)
    rows = captured.filter(retry=None).order_by("pk")
    fields = ("pk", "captured_at", "came_back_as")
    while found := list(rows.only(*fields)[:BATCH]):
        numbers = _numbers(letter.came_back_as for letter in found)
        with transaction.atomic():
            PlannedRetry.objects.bulk_create(
                [_retry(rule, letter, numbers.get(letter.came_back_as, 0) + 1) for letter in found],
                ignore_conflicts=True,
            )
            left = [letter for letter in found if numbers.get(letter.came_back_as, 0) >= rule.at_most]
            text = _("Left for a person: it was retried %(n)d times, and died again.") % {"n": rule.at_most}
            _remember(left, now, "left", text)
    settled = DeadLetter.objects.filter(pk__gt=rule.seen, broker=rule.broker, captured_at__lt=now - SETTLED)
    newest = settled.order_by("-pk").values_list("pk", flat=True).first()
    if newest is not None:
        RetryRule.objects.filter(pk=rule.pk, seen__lt=newest).update(seen=newest)


def _numbers(requeue_ids: Iterable[str]) -> dict[str, int]:
    """Return, by the id a letter came back under, the number of the retry that sent it."""
    ids = [item for item in requeue_ids if item]
    rows = PlannedRetry.objects.filter(letter__requeue_id__in=ids)
    return dict(rows.values_list("letter__requeue_id", "number"))


def _retry(rule: RetryRule, letter: DeadLetter, number: int) -> PlannedRetry:
    if number > rule.at_most:
        return PlannedRetry(letter=letter, rule=rule, number=number, state=State.LEFT)
    due = letter.captured_at + timedelta(seconds=delay(rule, number))
    return PlannedRetry(letter=letter, rule=rule, number=number, due_at=due)


def _send_due(rule: RetryRule, now: datetime) -> int:
    waiting = PlannedRetry.objects.filter(rule=rule, state=State.WAITING, due_at__lte=now)
    # Who was faster has decided it: nothing of the rule is left to do.
    waiting.exclude(letter__status=Status.PARKED).update(state=State.SENT)
    due = list(waiting.order_by("due_at").select_related("letter")[:BATCH])
    if not due:
        return 0
    by = Actor("retry rule", "system")
    try:
        requeue.start(selection=selection.some(rule.broker, [item.letter_id for item in due]), to=To(), by=by)
    except Refusal as refusal:
        with transaction.atomic():
            waiting.filter(pk__in=[item.pk for item in due]).update(state=State.LEFT)
            text = _("Left for a person: %(why)s") % {"why": refusal.text}
            _remember([item.letter for item in due], now, "left", text)
        return 0
    with transaction.atomic():
        PlannedRetry.objects.filter(pk__in=[item.pk for item in due]).update(state=State.SENT)
        for number in sorted({item.number for item in due}):
            text = _("Retry %(n)d of %(of)d by a rule") % {"n": number, "of": rule.at_most}
            _remember([item.letter for item in due if item.number == number], now, "retried", text)
    return len(due)


def _remember(found: Iterable[DeadLetter], now: datetime, kind: str, text: str) -> None:
    LetterEvent.objects.bulk_create(
        [LetterEvent(letter=letter, at=now, kind=kind, by="retry rule", text=text[:500]) for letter in found]
    )


def described(rule: RetryRule) -> str:
    """Return a rule in words: after 1 min, 5 min, 25 min, then left for a person."""
    delays = [duration(delay(rule, number)) for number in range(1, min(rule.at_most, 6) + 1)]
    more = prose.between_names() + "…" if rule.at_most > 6 else ""
    return _("after %(delays)s%(more)s, then left for a person") % {
        "delays": prose.listed(delays),
        "more": more,
    }
