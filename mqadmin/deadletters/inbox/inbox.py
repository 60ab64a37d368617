"""What the inbox shows: causes, counts and letters, read from the database alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q
from django.db.models.functions import TruncHour
from django.utils import timezone

from mqadmin.core.models import Operation
from mqadmin.deadletters.inbox import lists
from mqadmin.deadletters.letter import grouping
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import CauseNote, DeadLetter
from mqadmin.deadletters.search import cause_rights, facets, tally
from mqadmin.deadletters.search.searching import Pick
from mqadmin.deadletters.search.selection import Filter
from mqadmin.rabbit.reading import frameworks

MOST_CAUSES = 60
RECENT_OPERATION = timedelta(seconds=20)  # so long one that ended is still told of


@dataclass(frozen=True)
class Cause:
    """Letters that failed for the same reason. `error` is that of the newest."""

    group: str
    count: int
    error_type: str
    error: str
    source_queue: str
    reason: str
    framework: str
    first_at: datetime
    last_at: datetime
    came_back: int
    note: str = ""
    owner: str = ""

    @property
    def title(self) -> str:
        """The error's type, without its package, else the reason."""
        if not self.error_type:
            return str(DeadLetter.Reason(self.reason).label)
        name = self.error_type.rsplit(".", 1)[-1] or self.error_type
        whose = "" if self.framework == frameworks.OURS else frameworks.title(self.framework)
        return f"{whose} {name}" if whose else name

    @property
    def segments(self) -> list[tuple[str, bool]]:
        """The error as (text, whether it stands for what varies)."""
        return grouping.segments(self.error)


def causes(wanted: Filter, *, most: int | None = None, skip: int = 0) -> list[Cause]:
    """Return the causes of the letters that match (whatever their group), the most frequent first.

    Behind the first `skip`, at most `most`; MOST_CAUSES without it.
    """
    part = slice(skip, skip + (MOST_CAUSES if most is None else most))
    if wanted.columns is not None:
        return _counted_causes(wanted, _whatever_group(wanted, wanted.columns), part)
    search = replace(wanted, group="").found()
    if search.picks is not None:
        return _picked_causes(wanted, search.picks, part)
    rows = search.rows.order_by()
    # Count and ids come from an index alone; what else is shown is read for one or two letters of each cause.
    found = list(
        rows.values("group")
        .annotate(n=Count("pk"), newest=Max("pk"), oldest=Min("pk"))
        .order_by("-n", "-newest")[part]
    )
    back = dict(rows.exclude(came_back_as="").values_list("group").annotate(n=Count("pk")))
    counts = [(item["group"], item["n"], back.get(item["group"], 0)) for item in found]
    ends = {item["group"]: (item["oldest"], item["newest"]) for item in found}
    return _causes(wanted, counts, ends)


def cause(broker: str, group: str) -> Cause | None:
    """Return one cause with all of its letters, parked or not; None where no letter has it."""
    columns = {"broker": broker, "group": group}
    return next(iter(_counted_causes(Filter(broker), columns, slice(1))), None)


def how_many_causes(wanted: Filter) -> int:
    """Return how many causes the letters that match have, whatever their group."""
    if wanted.columns is not None:
        return len(tally.by("group", _whatever_group(wanted, wanted.columns)))
    search = replace(wanted, group="").found()
    if search.picks is not None:
        return len({pick.group for pick in search.picks})
    return search.rows.order_by().values("group").distinct().count()


def _whatever_group(wanted: Filter, columns: dict[str, str]) -> dict[str, str]:
    return {**columns, "group": "" if wanted.group else columns["group"]}


def _picked_causes(wanted: Filter, picks: Sequence[Pick], part: slice) -> list[Cause]:
    """Return the causes of letters that a search has read already."""
    numbers = Counter(pick.group for pick in picks)
    back = Counter(pick.group for pick in picks if pick.came_back)
    ends: dict[str, tuple[int, int]] = {}
    for pick in picks:  # newest first
        ends[pick.group] = (pick.pk, ends.get(pick.group, (0, pick.pk))[1])
    order = sorted(numbers, key=lambda group: (-numbers[group], -ends[group][1]))[part]
    counts = [(group, numbers[group], back[group]) for group in order]
    return _causes(wanted, counts, ends)


def _counted_causes(wanted: Filter, columns: dict[str, str], part: slice) -> list[Cause]:
    """Return the causes where the database has counted: however many letters there are."""
    counts = tally.causes(columns, part)
    ends = tally.ends(columns, [group for group, _count, _back in counts])
    return _causes(wanted, counts, ends)


def _causes(
    wanted: Filter,
    counts: Sequence[tuple[str, int, int]],
    ends: Mapping[str, tuple[int, int]],
) -> list[Cause]:
    samples = DeadLetter.objects.only(*lists.LIST_FIELDS).in_bulk(
        {pk for pair in ends.values() for pk in pair}
    )
    masking.hide_in_errors(list(samples.values()))
    groups = [group for group, _count, _back in counts]
    known = cause_rights.whole(wanted.broker, groups)
    rows = CauseNote._base_manager.filter(broker=wanted.broker, group__in=known)
    notes = {note.group: note for note in rows}
    found = []
    for group, count, back in counts:
        oldest, newest = (samples.get(pk) for pk in ends.get(group, (0, 0)))
        if oldest is None or newest is None:  # gone since it was counted
            continue
        note = notes.get(group)
        cause = Cause(
            group=group,
            count=count,
            error_type=newest.error_type,
            error=newest.error,
            source_queue=newest.source_queue,
            reason=newest.reason,
            framework=newest.framework,
            first_at=oldest.captured_at,
            last_at=newest.captured_at,
            came_back=back,
            note=note.text if note else "",
            owner=note.owner if note else "",
        )
        found.append(cause)
    return found


def status_counts(broker: str) -> dict[str, int]:
    """Return how many letters of a broker have each status, 0 included."""
    return {str(status): 0 for status in DeadLetter.Status.values} | tally.by("status", {"broker": broker})


def choices(broker: str) -> dict[str, list[str]]:
    """Return what letters of a broker can be filtered by: their source and dead-letter queues."""
    return {
        "source": facets.sources(broker),
        "queue": sorted(tally.by("dead_letter_queue", {"broker": broker}))[: facets.MOST_NAMES],
    }


def running(broker: str) -> Iterable[Operation]:
    """Return the operations on letters that are going on, or ended a moment ago."""
    recent = Q(finished_at__gte=timezone.now() - RECENT_OPERATION) | Q(status__in=Operation.OPEN)
    return Operation.objects.filter(recent, broker=broker, kind__startswith="dead_letters.")[:5]


def parked(broker: str, at_most: int = 100_000) -> int:
    """Return how many letters are parked; counting stops at `at_most`."""
    return min(at_most, tally.total({"broker": broker, "status": DeadLetter.Status.PARKED}))


def by_message_id(broker: str, start: str, most: int = 6) -> list[DeadLetter]:
    """Return letters whose message id begins with `start`, newest first."""
    # A range, since LIKE would not use the index.
    rows = DeadLetter.objects.filter(
        message_id__gte=start, message_id__lt=start + "\U0010ffff", broker=broker
    )
    found = rows.only(*lists.LIST_FIELDS).order_by("-pk")[: most * 2]
    return [letter for letter in found if letter.message_id.startswith(start)][:most]


def by_hour(broker: str, since: datetime) -> list[int]:
    """Return how many letters were captured in each hour since `since`, the current one last."""
    moments = DeadLetter.objects.filter(broker=broker, captured_at__gte=since).order_by()
    counts = dict(moments.annotate(hour=TruncHour("captured_at")).values_list("hour").annotate(n=Count("pk")))
    hours = int((timezone.now() - since) / timedelta(hours=1)) + 1
    first = since.replace(minute=0, second=0, microsecond=0)
    return [counts.get(first + timedelta(hours=index), 0) for index in range(hours)]
