"""One letter as a person reads it: its error, body, tables, log lines, and its life as a timeline."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from consumers.models import Record
from consumers.runtime.copies.copies import DELAY_PREFIX
from consumers.status.tones import OUTCOME
from mqadmin.core import wording
from mqadmin.core.pages import audited, formats, prose
from mqadmin.core.tones import LOG_LEVEL, Tone
from mqadmin.deadletters.inbox import tones
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.deadletters.requeue import claims, leaving
from mqadmin.deadletters.requeue.destinations import To, address
from mqadmin.deadletters.requeue.leaving import LeftBehind
from mqadmin.rabbit.headers import ATTEMPT, DEATH_TIME, TRACEPARENT
from mqadmin.rabbit.message import from_json
from mqadmin.rabbit.numbers import whole
from mqadmin.rabbit.reading import display, frameworks
from mqadmin.telemetry import carried

MOST_RECORDS = 30
MOST_COLOURED = 40_000
MOST_IN_A_VALUE = 5_000  # characters of a header's bytes: compressed ones grow a thousandfold
# A value stands behind a colon or alone on its line; a string in front of a colon is a key and stays plain.
_JSON_VALUE = re.compile(
    r'(?:(?<=: )|(?<=  ))(?:"(?:[^"\\\n]|\\.)*"(?!:)|-?\d[\d.eE+-]*|true|false|null)(?=,?$)', re.M
)
# They would have a name or a body read in another order than it is written.
_TURNS = {
    code: f"\\u{code:04x}"
    for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


@dataclass(frozen=True)
class Step:
    """One thing that happened to the message. `at` None: it is not known when."""

    title: str
    text: str = ""
    at: datetime | None = None
    tone: str = ""
    href: str = ""
    link: str = ""

    @property
    def is_today(self) -> bool:
        """Whether the time of day is enough."""
        return self.at is not None and timezone.localtime(self.at).date() == timezone.localdate()


@dataclass(frozen=True)
class LogLine:
    """A line logged while the message was handled; `offset` in seconds from the start of that attempt."""

    attempt: int
    offset: float
    level: str
    tone: str
    text: str


@dataclass(frozen=True)
class Shown:
    """A letter ready for its template."""

    letter: DeadLetter
    name: str
    body: str
    body_kind: str
    properties: list[tuple[str, str]]
    headers: list[tuple[str, str]]
    steps: list[Step]
    log: list[LogLine]
    destination: str
    leaves: list[LeftBehind] = field(default_factory=list)  # headers that do not go with a requeue
    earlier: list[DeadLetter] = field(default_factory=list)
    masked: int = 0  # values that are hidden
    trace_id: str = ""  # of the distributed trace the message belongs to
    traceparent: str = ""  # the header it came in

    @property
    def tone(self) -> Tone:
        return tones.STATUS[self.letter.status]

    @property
    def pieces(self) -> list[tuple[str, str]]:
        """The body in pieces of (kind, text), to be coloured."""
        return coloured(self.body) if self.body_kind.endswith("json") else [("", self.body)]


def show(letter: DeadLetter, *, reveal: bool = False) -> Shown:
    """Read everything about one letter. A few indexed queries; never asks the broker.

    Masked fields are hidden in `letter` itself, unless `reveal`: it must not be saved afterwards.
    """
    claims.tell(letter)
    place = address(letter, To())
    hidden: list[Any] = []
    masked = 0 if reveal else masking.hide(letter, hidden)
    properties = letter.properties
    body, kind = display.display_text(
        bytes(letter.body),
        _plain(properties.get("content_type")),
        _plain(properties.get("content_encoding")),
        queue=letter.source_queue,
    )
    records = _records(letter)
    traceparent = str(_plain(letter.headers.get(TRACEPARENT)) or "")
    return Shown(
        letter=letter,
        name=name(letter),
        body=body.translate(_TURNS),
        body_kind=kind,
        properties=_table(properties),
        headers=_table(letter.headers),
        steps=timeline(letter, records, list(letter.events.select_related("operation"))),
        log=_log(records, hidden),
        destination=place.routing_key,
        leaves=leaving.of_letter(letter),
        earlier=_earlier(letter),
        masked=masked,
        trace_id=trace_id(letter),
        traceparent=traceparent if carried.trace_id({TRACEPARENT: traceparent}) else "",
    )


def trace_id(letter: DeadLetter) -> str:
    """Return the id of the trace that a letter is of, "" where nobody says, or it is hidden in the letter."""
    try:
        headers = from_json(letter.headers)
    except ValueError:
        return ""
    return "" if headers.get(TRACEPARENT) == masking.SHOWN else carried.trace_id(headers)


def coloured(text: str) -> list[tuple[str, str]]:
    """Return indented JSON in pieces: "text" (a string that is no key), "number" (also true, false, null), "".

    Beyond MOST_COLOURED characters it stays plain: each piece is an element of the page.
    """
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _JSON_VALUE.finditer(text, 0, MOST_COLOURED):
        if match.start() > end:
            pieces.append(("", text[end : match.start()]))
        pieces.append(("text" if match[0].startswith('"') else "number", match[0]))
        end = match.end()
    return [*pieces, ("", text[end:])]


def name(letter: DeadLetter) -> str:
    """Return what a letter is called: its message id, else its number here."""
    return letter.message_id or _("letter #%(id)s") % {"id": letter.pk}


def timeline(letter: DeadLetter, records: list[Record], events: list[LetterEvent]) -> list[Step]:
    """Return the life of the message, oldest first; what has no time stands before what follows it. Pure."""
    steps = [*_published(letter), *map(_death, reversed(deaths(letter))), *map(_attempt, records)]
    if not records and _says_it_failed(letter):
        steps.append(_failure(letter))
    steps.append(
        Step(
            _("Captured"),
            _("letter #%(id)s, from %(queue)s") % {"id": letter.pk, "queue": letter.dead_letter_queue},
            letter.captured_at,
        )
    )
    steps += map(_event, events)
    # What we timed ourselves stands in its order: an edit before the attempt that came of it.
    ours = [place for place, step in enumerate(steps) if step.at and step.at.microsecond]
    for place, step in zip(ours, sorted((steps[place] for place in ours), key=_at), strict=True):
        steps[place] = step
    # x-death counts in whole seconds: within one second the order above is the better guess.
    known = _EPOCH
    keys: list[datetime] = []
    for step in steps:
        known = step.at.replace(microsecond=0) if step.at else known
        keys.append(known)
    return [step for _key, step in sorted(zip(keys, steps, strict=True), key=lambda pair: pair[0])]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _at(step: Step) -> datetime:
    return step.at or _EPOCH


def _published(letter: DeadLetter) -> list[Step]:
    at = _moment(letter.properties.get("timestamp"))
    keys = " ".join(letter.routing_keys)
    exchange = letter.source_exchange or _("default exchange")
    return [Step(_("Published"), f"{exchange} · {keys}" if keys else exchange, at)]


def deaths(letter: DeadLetter) -> list[dict[str, Any]]:
    """Return the deaths of a letter, newest first, each with all its fields. Imports once took what has not."""
    return [_whole(entry) for entry in letter.deaths if isinstance(entry, dict)]


def _whole(entry: Mapping[str, Any]) -> dict[str, Any]:
    count, keys = entry.get("count"), entry.get("routing_keys")
    return {
        **{name: _encodable(entry.get(name) or "") for name in ("queue", "reason", "exchange")},
        "count": count if isinstance(count, int) else 1,
        "time": letters.read_moment(entry.get("time")),
        "routing_keys": [_encodable(key) for key in keys] if isinstance(keys, list) else [],
    }


def _encodable(value: Any) -> str:
    return str(value).encode(errors="replace").decode()


def _death(entry: Mapping[str, Any]) -> Step:
    queue, count, at = entry["queue"], entry["count"], entry["time"]
    delay = whole(queue.removeprefix(DELAY_PREFIX), 15) if queue.startswith(DELAY_PREFIX) else None
    if delay is not None:
        return Step(_("Waited %(time)s") % {"time": formats.duration(delay / 1000)}, queue, at)
    words = {
        "rejected": _("Rejected"),
        "expired": _("Expired"),
        "maxlen": _("Pushed out of a full queue"),
        "delivery_limit": _("Delivered too often"),
    }
    title = words.get(entry["reason"], _("Died: %(reason)s") % {"reason": entry["reason"]})
    if count > 1:
        title = _("%(what)s, first of %(n)s times") % {"what": title, "n": formats.number(count)}
    return Step(title, queue, at, "red")


def _attempt(record: Record) -> Step:
    titles = {
        Record.Outcome.ACKED: _("Handled"),
        Record.Outcome.RETRIED: _("Attempt %(n)d failed"),
        Record.Outcome.DEAD_LETTERED: _("Attempt %(n)d failed, dead-lettered"),
        Record.Outcome.DUPLICATE: _("Skipped as a duplicate"),
        Record.Outcome.RELEASED: _("Given back"),
        Record.Outcome.TIMED_OUT: _("Attempt %(n)d timed out"),
    }
    outcome = Record.Outcome(record.outcome)
    return Step(
        titles[outcome] % {"n": record.attempt} if "%" in titles[outcome] else titles[outcome],
        _("consumer %(name)s, %(time)s")
        % {"name": record.consumer.name, "time": formats.duration(record.duration_ms / 1000)},
        record.started_at,
        OUTCOME.get(outcome, ""),
        reverse("record_detail", args=[record.pk]),
        _("record #%(id)s") % {"id": record.pk},
    )


def _says_it_failed(letter: DeadLetter) -> bool:
    """Whether a framework wrote of a failure; that the message is one of its own does not tell."""
    return frameworks.leaves_headers(letter.framework) or bool(letter.framework and letter.trace)


def _failure(letter: DeadLetter) -> Step:
    """What the headers say of the last attempt, where no record tells of it."""
    attempt, seconds = letter.headers.get(ATTEMPT), letter.headers.get(DEATH_TIME)
    title = _("Failed, dead-lettered")
    if isinstance(attempt, int):
        title = _("Attempt %(n)d failed, dead-lettered") % {"n": attempt}
    where = " · ".join(part for part in (letter.source_queue, letter.consumer) if part)
    return Step(title, where, _moment(seconds) or (None if letter.deaths else letter.first_death_at), "red")


def _moment(seconds: Any) -> datetime | None:
    """Return a time in seconds since 1970 from a header or property, None for anything else."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (OverflowError, ValueError, OSError):
        return None


def _event(event: LetterEvent) -> Step:
    titles = {
        "requeued": (_("Requeued"), "green"),
        "returned": (_("Could not be requeued"), "red"),
        "discarded": (_("Discarded"), ""),
        "restored": (_("Restored"), ""),
        "edited": (_("Edited"), "blue"),
        "reverted": (_("Edits undone"), "blue"),
        "noted": (_("Note"), ""),
        "imported": (_("Imported from a file"), ""),
        "retried": (_("Retried by a rule"), "green"),
        "left": (_("Left for a person"), "amber"),
        "tried": (_("Tried by the circuit breaker"), "blue"),
    }
    title, tone = titles.get(event.kind, (event.kind, ""))
    # What a person wrote is theirs; the rest was stored in English.
    said = event.text if event.kind == "noted" else wording.worded(event.text)
    text = prose.labelled(audited.actor(event.by), said)
    href = reverse("operation_detail", args=[event.operation_id]) if event.operation_id else ""
    link = _("operation #%(id)s") % {"id": event.operation_id} if event.operation_id else ""
    return Step(title, text, event.at, tone, href, link)


def _records(letter: DeadLetter) -> list[Record]:
    """Return what managed consumers of this broker recorded of this message, oldest first."""
    if not letter.message_id:
        return []
    mine = Q(consumer__broker=letter.broker, consumer__vhost=letter.vhost)
    rows = Record.objects.filter(mine, message_id=letter.message_id).select_related("consumer")
    return list(reversed(rows.defer("body", "headers", "properties").order_by("-pk")[:MOST_RECORDS]))


def _log(records: list[Record], hidden: Sequence[Any]) -> list[LogLine]:
    """Return the lines of all attempts, without what is hidden. What a record holds was written by a consumer, so
    it is checked."""
    lines = []
    for record in records:
        for item in record.log or ():
            offset, level, text = item
            tone = LOG_LEVEL.get(str(level), "")
            shown = masking.without(str(text), hidden)
            lines.append(LogLine(record.attempt, float(offset) / 1000, str(level), tone, shown))
    return lines


def _earlier(letter: DeadLetter) -> list[DeadLetter]:
    """Return the letters this one was before it was requeued and died again, newest first."""
    if not letter.came_back_as:
        return []
    return list(DeadLetter.objects.only("pk", "message_id").filter(requeue_id=letter.came_back_as)[:5])


def _table(stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return a stored table as (name, readable value)."""
    plain = from_json(dict(stored))
    return [
        (str(name).translate(_TURNS), _readable(value).translate(_TURNS)) for name, value in plain.items()
    ]


def _readable(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return display.display_text(value, max_characters=MOST_IN_A_VALUE)[0]
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return str(value)


def _plain(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def deaths_in_words(letter: DeadLetter) -> str:
    """Return "rejected 3 times", "" where nothing tells of a death."""
    if letter.reason == DeadLetter.Reason.UNKNOWN:
        if not letter.death_count:
            return ""
        text = ngettext("died once", "died %(n)s times", letter.death_count)
        return text % {"n": formats.number(letter.death_count)}
    return ngettext("%(reason)s once", "%(reason)s %(n)s times", letter.death_count) % {
        "reason": letter.get_reason_display(),
        "n": formats.number(letter.death_count),
    }
