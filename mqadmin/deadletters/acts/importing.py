"""A file of exported letters, taken in again: every line is checked before the first is stored, or none is."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any, Protocol, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import size
from mqadmin.core.rights import naming
from mqadmin.core.rows import batches
from mqadmin.deadletters.acts import editing, exporting, import_line
from mqadmin.deadletters.acts.import_line import Unusable
from mqadmin.deadletters.letter import letters
from mqadmin.deadletters.models import DeadLetter, LetterEvent
from mqadmin.rabbit.reading import jsontext

MOST_BYTES = 512 * 1024 * 1024
MOST_LINE = 64 * 1024 * 1024  # bytes
MOST_FAULTS = 100  # told of; one is enough to store nothing
BATCH = 200
_CHECKED = {"broker", *import_line.SCALARS}  # by the model too: lengths, choices, ranges
_UNCHECKED = [item.name for item in DeadLetter._meta.concrete_fields if item.name not in _CHECKED]
_Key = tuple[str, str, str, datetime]


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class LineFault:
    """What is wrong with a line, counted from 1."""

    line: int
    error: str


@dataclass(frozen=True)
class Outcome:
    """What an import did, or would do: how many lines, how many of them are here already."""

    total: int
    imported: int
    duplicates: int
    faults: list[LineFault] = field(default_factory=list)


def received(stream: _Readable) -> IO[bytes]:
    """Return what is sent, on disk: it is read twice. Raises Refusal (413) beyond MOST_BYTES."""
    file = cast(IO[bytes], tempfile.TemporaryFile())  # noqa: SIM115 (the caller closes it)
    total = 0
    while chunk := stream.read(1_048_576):
        total += len(chunk)
        if total > MOST_BYTES:
            file.close()
            raise Refusal(
                _("The file is larger than %(size)s.") % {"size": size(MOST_BYTES)}, "too_large", status=413
            )
        file.write(chunk)
    return file


def take(*, file: IO[bytes], broker: str, by: Actor, only_check: bool = False) -> Outcome:
    """Store the letters of `file` (seekable) as letters of `broker`; with `only_check` just say what would be.

    A line with a fault is in `faults`, and then nothing is stored. A letter that is here already is not
    stored again: of lines that are equal in queue, content and moment, so many as are here are passed over.
    """
    if only_check:
        return _plan(file, broker)[0]
    try:
        with audit.act(
            by=by, action="dead_letters.import", broker=broker, target="a file of letters"
        ) as entry:
            outcome, known = _plan(file, broker)
            if outcome.faults:
                entry.detail = {"faults": len(outcome.faults)}
                raise _Faulty(outcome)
            entry.count = outcome.imported
            with transaction.atomic():
                _store(file, broker, by, known)
    except _Faulty as refusal:
        return refusal.outcome
    return outcome


class _Faulty(Refusal):
    """Has the audit log tell that nothing was imported, and why."""

    def __init__(self, outcome: Outcome) -> None:
        first = outcome.faults[0]
        text = _("Line %(line)d: %(error)s Nothing was imported.")
        super().__init__(text % {"line": first.line, "error": first.error}, "invalid", status=422)
        self.outcome = outcome


def _plan(file: IO[bytes], broker: str) -> tuple[Outcome, Counter[_Key]]:
    """Read every line; return what would be, and how often each letter is here already."""
    faults: list[LineFault] = []
    wanted: Counter[_Key] = Counter()
    for number, content in _lines(file):
        try:
            wanted[_key(read(content, broker))] += 1
        except Unusable as error:
            faults.append(LineFault(number, str(error)))
            if len(faults) == MOST_FAULTS:
                break
    known = _known(broker, wanted)
    total = sum(wanted.values())
    duplicates = sum(min(count, known[key]) for key, count in wanted.items())
    imported = 0 if faults else total - duplicates
    return Outcome(total + len(faults), imported, duplicates, faults), known


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    number = 0
    while content := file.readline(MOST_LINE + 1):
        number += 1
        if content.strip():
            yield number, content


def read(content: bytes, broker: str) -> DeadLetter:
    """Return the letter of one line, not stored. Raises Unusable, with a sentence."""
    if len(content) > MOST_LINE:
        raise Unusable(_("It is longer than a line may be."))
    try:
        values = jsontext.strict(content)
    except (ValueError, RecursionError) as error:
        raise Unusable(_("It is not JSON: %(why)s.") % {"why": error}) from None
    if isinstance(values, dict) and values.get("mqadmin_letter") == exporting.MASKED:
        raise Unusable(
            _("It was exported with hidden values, which are not in it: have who may reveal them export it.")
        )
    if not isinstance(values, dict) or values.get("mqadmin_letter") != exporting.FORMAT:
        raise Unusable(_("It is not a letter that was exported here."))
    letter = DeadLetter(**_fields(values), broker=broker)
    _require_theirs(letter)
    letter.size = len(letter.body)
    try:
        letter.clean_fields(exclude=_UNCHECKED)
        editing.check(letter.properties, letter.headers)
        letter.search_text = letters.search_text_of(letter)
    except ValidationError as error:
        sentences = (f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items())
        raise Unusable("; ".join(sentences)) from None
    except Refusal as refusal:
        raise Unusable(f"{', '.join(refusal.fields) or 'message'}: {refusal.text}") from None
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise Unusable(str(error)) from None
    return letter


def _require_theirs(letter: DeadLetter) -> None:
    """Raise Unusable for a letter of a queue that who asks may not operate, or that would go back into one."""
    queues = dict.fromkeys(filter(None, (letter.dead_letter_queue, letter.return_queue)))
    for queue in queues:
        if not naming.holds("operate", letter.broker, letter.vhost, queue):
            text = _("The queue “%(queue)s” of virtual host “%(vhost)s” is not yours to operate.")
            raise Unusable(text % {"queue": queue, "vhost": letter.vhost})


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    known = import_line.checked(values)
    if known.get("status") == DeadLetter.Status.REQUEUEING:
        known["status"] = DeadLetter.Status.PARKED
    if original := known.get("original"):
        try:
            editing.check(original["properties"], original["headers"])
        except Refusal as refusal:
            raise Unusable(refusal.text) from None
    return known


def _key(letter: DeadLetter) -> _Key:
    return letter.vhost, letter.dead_letter_queue, letter.fingerprint, letter.captured_at


def _known(broker: str, wanted: Iterable[_Key]) -> Counter[_Key]:
    """Return how often each of these letters is here; found by their moments, which are indexed."""
    moments = sorted({key[3] for key in wanted})
    found: Counter[_Key] = Counter()
    for start in range(0, len(moments), BATCH):
        rows = DeadLetter.objects.filter(broker=broker, captured_at__in=moments[start : start + BATCH])
        fields = ("vhost", "dead_letter_queue", "fingerprint", "captured_at")
        found.update(rows.order_by().values_list(*fields).iterator(2_000))
    return found


def _store(file: IO[bytes], broker: str, by: Actor, known: Counter[_Key]) -> None:
    for batch in batches.split(_new(file, broker, known), size=lambda letter: letter.size, most=BATCH):
        _insert(batch, by)


def _new(file: IO[bytes], broker: str, known: Counter[_Key]) -> Iterator[DeadLetter]:
    """Yield the letters that are not here yet."""
    left = known.copy()
    for _number, content in _lines(file):
        letter = read(content, broker)
        key = _key(letter)
        if left[key] > 0:
            left[key] -= 1
        else:
            yield letter


def _insert(found: list[DeadLetter], by: Actor) -> None:
    now = timezone.now()
    for letter in found:
        if letter.status in (DeadLetter.Status.DISCARDED, DeadLetter.Status.REQUEUED):
            letter.decided_at = now  # the file does not say when; without it they would be kept for ever
    stored = DeadLetter.objects.bulk_create(found)
    LetterEvent.objects.bulk_create(
        [LetterEvent(letter=letter, at=now, kind="imported", by=by.name) for letter in stored]
    )
