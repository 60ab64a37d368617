"""What rules on dead letters match: how many arrived, of one cause, or of a cause that was never there before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from django.db.models import Min

from mqadmin.alerts.models import Alert, Rule
from mqadmin.alerts.seeing.hits import Hit, Subject, beyond
from mqadmin.alerts.seeing.world import World
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Queue

MOST = 5_000  # letters looked at in a window: beyond that there are many, whatever the rule says
REMEMBERED = 20_000  # causes
CHUNK = 500


class Letter(NamedTuple):
    vhost: str
    source_queue: str
    group: str
    error_type: str
    captured_at: datetime


class Letters:
    """The newest letters of each broker, read once in a moment; and since when each cause is known, kept."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], datetime] = {}
        self._at: datetime | None = None
        self._read: dict[tuple[str, int], Sequence[Letter]] = {}

    def newest(self, broker: str, window_s: int, now: datetime) -> Sequence[Letter]:
        """Return what was captured lately, MOST at most."""
        if self._at != now:
            self._at, self._read = now, {}
        key = (broker, window_s)
        if key not in self._read:
            found = DeadLetter.objects.filter(
                broker=broker, captured_at__gt=now - timedelta(seconds=window_s)
            )
            rows = found.order_by("-captured_at").values_list(*Letter._fields)
            self._read[key] = [Letter(*row) for row in rows[:MOST]]
        return self._read[key]

    def since(self, broker: str, groups: Collection[str]) -> dict[str, datetime]:
        """Return when the oldest letter that is kept of each cause was captured; those not known are asked for."""
        unknown = [group for group in groups if (broker, group) not in self._first]
        if len(self._first) + len(unknown) > REMEMBERED:
            self._first.clear()
            unknown = list(groups)
        for at in range(0, len(unknown), CHUNK):
            self._ask(broker, unknown[at : at + CHUNK])
        return {group: self._first[broker, group] for group in groups if (broker, group) in self._first}

    def _ask(self, broker: str, groups: Sequence[str]) -> None:
        # By status too: so it is answered from an index, and a million letters of a cause are not read.
        found = DeadLetter.objects.filter(
            broker=broker, status__in=DeadLetter.Status.values, group__in=groups
        )
        oldest = found.order_by().values_list("status", "group").annotate(first=Min("pk"))
        ids = [first for _status, _group, first in oldest]
        for group, captured_at in DeadLetter.objects.filter(pk__in=ids).values_list("group", "captured_at"):
            known = self._first.get((broker, group), captured_at)
            self._first[broker, group] = min(known, captured_at)


def many(rule: Rule, world: World, letters: Letters) -> Iterator[Hit]:
    """Yield the brokers where more arrived than a rule allows."""
    for slug, found in _of(rule, world, letters):
        hit = _counted(rule, found, Subject(Alert.Subject.BROKER, slug), "letters")
        if hit is not None:
            yield hit


def of_causes(rule: Rule, world: World, letters: Letters) -> Iterator[Hit]:
    """Yield those of a rule's causes of which more arrived than it allows."""
    for slug, found in _of(rule, world, letters):
        for group in rule.codes:
            mine = [letter for letter in found if letter.group == group]
            hit = _counted(rule, mine, Subject(Alert.Subject.CAUSE, slug, "", group), f"rule:{rule.pk}")
            if hit is not None:
                yield hit


def new_causes(rule: Rule, world: World, letters: Letters) -> Iterator[Hit]:
    """Yield the causes whose first letter came within a rule's window; and, for what fires to go on, those of which
    any did: it is over once none came for so long."""
    start = world.now - timedelta(seconds=rule.window_s)
    for slug, found in _of(rule, world, letters):
        yield from _unseen(rule, slug, start, letters, world)
        counted = Counter(letter.group for letter in found if letter.group)
        example = {letter.group: letter for letter in found}
        for group, first in letters.since(slug, counted.keys()).items():
            letter = example[group]
            params = {
                "count": counted[group],
                "error_type": letter.error_type,
                "queues": [letter.source_queue],
            }
            yield _new_cause(slug, group, first > start, counted[group], params, min(first, world.now))


def _new_cause(
    slug: str,
    group: str,
    is_new: bool,
    value: int | None = None,
    params: Mapping[str, Any] = MappingProxyType({}),
    since: datetime | None = None,
) -> Hit:
    subject = Subject(Alert.Subject.CAUSE, slug, "", group)
    return Hit(subject, "new_cause", holds=is_new, value=value, params=params, since=since)


def _unseen(rule: Rule, slug: str, start: datetime, letters: Letters, world: World) -> Iterator[Hit]:
    """Yield the causes that fire and that a flood of others may hide: MOST letters are not all of the window's."""
    newest = letters.newest(slug, rule.window_s, world.now)
    if len(newest) < MOST:
        return
    firing = Alert.objects.filter(rule=rule, broker=slug, state=Alert.State.FIRING)
    hidden = set(firing.values_list("name", flat=True)) - {letter.group for letter in newest}
    going_on = DeadLetter.objects.filter(broker=slug, group__in=hidden, captured_at__gt=start).order_by()
    for group in going_on.values_list("group", flat=True).distinct():
        yield _new_cause(slug, group, is_new=False)


def _of(rule: Rule, world: World, letters: Letters) -> Iterator[tuple[str, list[Letter]]]:
    # Letters are mqadmin's own rows: they say what is so with RabbitMQ away too.
    for broker in world.brokers.values():
        if rule.broker and rule.broker != broker.slug:
            continue
        found = letters.newest(broker.slug, rule.window_s, world.now)
        if rule.queues and found:
            ids = world.matching(broker.slug, rule.queues)
            names = {letter.source_queue for letter in found}
            rows = Queue.objects.filter(broker=broker, name__in=names).values_list("pk", "vhost", "name")
            named = {(vhost, name) for pk, vhost, name in rows if pk in ids}
            found = [letter for letter in found if (letter.vhost, letter.source_queue) in named]
        yield broker.slug, list(found)


def _counted(rule: Rule, found: Sequence[Letter], subject: Subject, trouble: str) -> Hit | None:
    holds = beyond(rule, len(found))
    if holds is None:
        return None
    queues = Counter(letter.source_queue for letter in found if letter.source_queue)
    params = {
        "count": len(found),
        "at_least": len(found) >= MOST,
        "window": rule.window_s,
        "queues": [name for name, _count in queues.most_common(3)],
        "error_type": found[0].error_type if found else "",
    }
    return Hit(subject, trouble, holds=holds, value=len(found), params=params)
