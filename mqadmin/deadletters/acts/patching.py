"""One change for many letters: a JSON Patch, or find and replace; tried on ten before it is done to all."""

from __future__ import annotations

import base64
import copy
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jsonpatch
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from jsonpointer import JsonPointerException

from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core.acts import audit, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.rows.batches import fitting
from mqadmin.core.rows.deleting import Steps
from mqadmin.deadletters.acts import editing, patched_numbers
from mqadmin.deadletters.letter import jsonspans
from mqadmin.deadletters.letter.jsonspans import Document, Doubled
from mqadmin.deadletters.masking import masking, revealing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import passed_over
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Selection
from mqadmin.rabbit.reading import bodies, jsontext
from mqadmin.rabbit.reading.jsontext import Number, Style

KIND = "dead_letters.edit"
PREVIEWED = 10
MOST_STEPS = 100
BATCH = 200
FIRST, STEP_SECONDS = 20, 0.1  # letters of the first batch; what one is to take, about: so long others wait
PARTS = ("body", "headers", "properties")
_LONGEST = 4_000  # characters of a letter in a preview
_FAULTS = (jsonpatch.JsonPatchException, JsonPointerException, TypeError, ValueError, KeyError)
_KINDS, _KIND = re.compile(r" \(<class '[\w.]+'>\)"), re.compile(r"'?<class '(?:\w+\.)*(\w+)'>'?")
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair


@dataclass(frozen=True)
class Change:
    """What is done to each letter. `patch` (RFC 6902) is on {"body": its JSON, "headers", "properties"};
    without one `find` is replaced in the text of the body, wherever it stands. Numbers in `patch` may be of
    `jsontext.exact`: then a body gets them as they were typed."""

    patch: tuple[Mapping[str, Any], ...] = ()
    find: str = ""
    replace: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it for an operation's parameters: the steps as text, which no database rewrites."""
        steps = jsontext.written(list(self.patch), Style(ascii=True)) if self.patch else ""
        return {"patch": steps, "find": self.find, "replace": self.replace}

    def for_audit(self) -> dict[str, Any]:
        """Return it for the audit log: where fields are masked, without values, which may be of such a field."""
        if not settings.MQADMIN_MASKED:
            return {"patch": _told(list(self.patch)), "find": self.find, "replace": self.replace}
        steps = [{**step, "value": masking.SHOWN} if "value" in step else step for step in self.patch]
        texts = {
            name: masking.SHOWN if text else ""
            for name, text in (("find", self.find), ("replace", self.replace))
        }
        return {"patch": _told(steps), **texts}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Change:
        """Undo `to_json`; the steps may be a list too. Raises Refusal (422) for what is no change."""
        steps = value.get("patch") or ()
        steps = jsontext.exact(steps) if isinstance(steps, str) else steps
        change = cls(tuple(steps), value.get("find") or "", value.get("replace") or "")
        change.check()
        return change

    def check(self) -> None:
        """Raise Refusal (422) for what cannot be a change."""
        if bool(self.patch) == bool(self.find):
            raise Refusal(_("Give either a JSON Patch or a text to find."), "invalid", status=422)
        if _HALF.search(self.find + self.replace):
            said = _("The text holds half a surrogate pair, which is not text.")
            raise Refusal(said, "invalid", status=422)
        if len(self.patch) > MOST_STEPS:
            raise Refusal(_("At most %(n)d steps.") % {"n": MOST_STEPS}, "invalid", status=422)
        for step in self.patch:
            paths = [step.get("path"), *([step["from"]] if "from" in step else [])]
            if not all(isinstance(path, str) and _part(path) in PARTS for path in paths):
                text = _("Each path begins with /body, /headers or /properties.")
                raise Refusal(text, "invalid", status=422)
        try:
            jsonpatch.JsonPatch(list(self.patch))
        except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, ValueError) as error:
            raise Refusal(
                _("It is no JSON Patch: %(why)s.") % {"why": str(error).rstrip(".")}, "invalid", status=422
            ) from error


@dataclass(frozen=True)
class Tried:
    """What a change would do to one letter: texts before and after, hidden values hidden, or why it cannot be done.

    `letter` itself is as it is stored, nothing hidden.
    """

    letter: DeadLetter
    before: str = ""
    after: str = ""
    error: str = ""
    is_changed: bool = False

    @property
    def id(self) -> int:
        return int(self.letter.pk)


class Unchangeable(ValueError):
    """This letter cannot be changed so; says why."""


def changed(letter: DeadLetter, change: Change) -> dict[str, Any]:
    """Return the fields of the letter that would be others; what the change does not name keeps its bytes.

    Raises Unchangeable.
    """
    if not revealing.may(letter) and masking.hide(copy.copy(letter)):
        # What a step finds, copies or tests would tell of them.
        raise Unchangeable(_("It has masked fields, which your roles do not show you."))
    if change.find:
        return _replaced(letter, change)
    try:
        return _patched(letter, change)
    except Doubled as error:
        said = _("Its body has the key “%(name)s” twice in one object: it is not clear which one is meant.")
        name = masking.SHOWN if masking.hide(copy.copy(letter)) else error.name[:60]
        raise Unchangeable(said % {"name": name}) from error
    except Unchangeable:
        raise
    except _FAULTS as error:
        raise Unchangeable(_why(letter, error)) from error
    except RecursionError:
        raise Unchangeable(_("It is nested too deep.")) from None


def _patched(letter: DeadLetter, change: Change) -> dict[str, Any]:
    touched = {_part(step[key]) for step in change.patch for key in ("path", "from") if key in step}
    stored = {"headers": letter.headers, "properties": letter.properties}
    document: dict[str, Any] = patched_numbers.opened(stored)
    body = _parsed(letter) if "body" in touched else None
    if body is not None:
        document["body"] = body.value
    # Not in place: a step that fails must not leave half of it.
    patched = jsonpatch.apply_patch(document, list(change.patch))
    if not isinstance(patched, dict) or not {"headers", "properties"} <= patched.keys():
        raise Unchangeable(_("Headers and properties must stay."))
    found: dict[str, Any] = {}
    if body is not None:
        if "body" not in patched:
            raise Unchangeable(_("The body must stay."))
        written = body.with_value(patched["body"])
        if written != bytes(letter.body):
            found["body"] = written
    for part, before in stored.items():
        after = patched_numbers.closed(jsonspans.plain(patched[part]), document[part])
        if not jsontext.same(after, before):
            found[part] = after
    _check(letter, found)
    return found


def _why(letter: DeadLetter, error: Exception) -> str:
    """Return an error of the patch in words. The library's repeat values of the letter, for everybody to read among
    an operation's problems."""
    if not masking.hide(copy.copy(letter)):
        return _KIND.sub(r"\1", _KINDS.sub("", str(error))) or type(error).__name__
    if isinstance(error, jsonpatch.JsonPatchTestFailed):
        return _("A test of the patch fails on it; its values are hidden.")
    return _("A step of the patch does not fit it; its values are hidden.")


def _replaced(letter: DeadLetter, change: Change) -> dict[str, Any]:
    before = bytes(letter.body)
    names = _encodings(letter)
    if bodies.unwrap(before, *names).layers:
        raise Unchangeable(_("The body is encoded: what is read in it is not its text."))
    try:
        text = before.decode()
    except UnicodeDecodeError:
        raise Unchangeable(_("The body is not text.")) from None
    charset = bodies.charset(names[0])
    if change.find in text and not change.replace.isascii() and charset != "utf-8":
        said = _("The body is said to be %(charset)s: only ASCII can be put into it.")
        raise Unchangeable(said % {"charset": charset})
    body = text.replace(change.find, change.replace).encode()
    return {} if body == before else {"body": body}


def _check(letter: DeadLetter, found: Mapping[str, Any]) -> None:
    if not all(isinstance(found.get(part, {}), dict) for part in ("headers", "properties")):
        raise Unchangeable(_("Headers and properties are tables."))
    try:
        editing.check(found.get("properties"), found.get("headers"))
    except Refusal as refusal:
        raise Unchangeable(_why(letter, refusal)) from refusal


def _parsed(letter: DeadLetter) -> Document:
    try:
        return jsonspans.read(bytes(letter.body), charset=bodies.charset(_encodings(letter)[0]))
    except (ValueError, RecursionError):
        raise Unchangeable(_("The body is not JSON.")) from None


def _encodings(letter: DeadLetter) -> tuple[str | None, str | None]:
    """Return (content type, content encoding) where they are texts."""
    kind, encoding = (letter.properties.get(name) for name in ("content_type", "content_encoding"))
    return kind if isinstance(kind, str) else None, encoding if isinstance(encoding, str) else None


def _told(value: Any) -> Any:
    """Return a value for the audit log: a number that JSON's readers would write otherwise as text."""
    match value:
        case Number():
            try:
                plain = value.plain()
            except ValueError:
                return value.text
            return plain if repr(plain) == value.text else value.text
        case dict():
            return {name: _told(item) for name, item in value.items()}
        case list():
            return [_told(item) for item in value]
        case _:
            return value


def _part(path: str) -> str:
    return path.split("/")[1] if path.startswith("/") else ""


def preview(*, selection: Selection, change: Change) -> list[Tried]:
    """Return what would become of the first ten letters. Raises Refusal (422) for what is no change."""
    change.check()
    rows = selection.rows().filter(status=DeadLetter.Status.PARKED).order_by("pk")
    return [_tried(letter, change) for letter in rows[:PREVIEWED]]


def _tried(letter: DeadLetter, change: Change) -> Tried:
    try:
        found = changed(letter, change)
    except Unchangeable as error:
        return Tried(letter, error=str(error))
    parts = list(found) or ["body"]
    now = {"body": bytes(letter.body), "headers": letter.headers, "properties": letter.properties}
    hidden: list[Any] = []
    sides = [_masked(letter, values, hidden) for values in (now, {**now, **found})]
    # A step can copy what is hidden to where it would not be.
    before, after = (masking.without(_shown(side, parts), hidden)[:_LONGEST] for side in sides)
    return Tried(letter, before, after, is_changed=bool(found))


def _masked(letter: DeadLetter, values: Mapping[str, Any], hidden: list[Any]) -> dict[str, Any]:
    """Return the values without what is hidden, which is added to `hidden`."""
    side = copy.copy(letter)
    side.body, side.headers, side.properties = (values[part] for part in PARTS)
    masking.hide(side, hidden)
    return {"body": bytes(side.body), "headers": side.headers, "properties": values["properties"]}


def _shown(values: Mapping[str, Any], parts: Sequence[str]) -> str:
    """Return the parts as text, one below the other."""
    texts = []
    for part in parts:
        value = values[part]
        if isinstance(value, bytes):
            try:
                texts.append(value.decode())
            except UnicodeDecodeError:
                texts.append(base64.b64encode(value[:3_000]).decode())
        else:
            texts.append(f"{part}: {json.dumps(value, indent=2, ensure_ascii=False)}")
    return "\n".join(texts)


def start(*, selection: Selection, change: Change, by: Actor, expect: int | None = None) -> Operation:
    """Have a worker change the parked letters. Raises Refusal: none, not `expect`, or what is no change."""
    with audit.act(
        by=by,
        action=KIND,
        broker=selection.broker,
        target=selection.described(),
        detail={"selection": selection.for_audit(), "change": change.for_audit()},
    ) as entry:
        change.check()
        entry.count = total = _count(selection, expect)
        text = ngettext("Edit %(n)d letter", "Edit %(n)d letters", total) % {"n": total}
        kept = {"selection": selection.to_json(), "change": change.to_json()}
        asked = Asked(
            KIND, selection.broker, text, kept, Size(total), foretell=lambda: _foretold(selection, change)
        )
        gate.ask(asked, by=by, entry=entry)
        return operations.start(
            kind=KIND,
            by=by,
            broker=selection.broker,
            summary=text,
            params=kept,
            total=total,
        )


def _foretold(selection: Selection, change: Change) -> list[Foretold]:
    """Return what is done to each letter, and with which of the first it cannot be; without what is masked."""
    told = change.for_audit()
    if told["find"]:
        texts = [_("“%(find)s” becomes “%(replace)s” in the text of the body.") % told]
    else:
        texts = [json.dumps(step, ensure_ascii=False)[:300] for step in told["patch"]]
    texts.append(_("What was captured is kept, and can be brought back."))
    tried = [item for item in preview(selection=selection, change=change) if item.error]
    faults = [_("Letter %(id)d: %(why)s") % {"id": item.letter.pk, "why": item.error} for item in tried]
    return [*(Foretold("unknown", text) for text in faults), *(Foretold("tells", text) for text in texts)]


@kinds.register(KIND, needs="operate", counts_as="edit")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    chosen, change = Selection.from_json(given["selection"]), Change.from_json(given["change"])
    return start(selection=chosen, change=change, by=by)


def _count(chosen: Selection, expect: int | None) -> int:
    return selection.count(chosen, DeadLetter.Status.PARKED, expect)


@operations.runner(KIND)
def run(run: Run) -> None:
    """Carry it out; each batch is written together with where it ends, so that nothing is changed twice."""
    chosen = Selection.from_json(run.params["selection"])
    change = Change.from_json(run.params["change"])
    by = Actor(run.operation.created_by, "system")
    # In steps with pauses, as deletes: else nobody but this would get at the one lock that SQLite has.
    steps = Steps(math.inf, first=min(FIRST, BATCH), smallest=1, largest=BATCH, step=STEP_SECONDS)
    while True:
        run.checkpoint()
        after = run.cursor.get("after", 0)
        rows = chosen.rows().filter(status=DeadLetter.Status.PARKED, pk__gt=after).order_by("pk")
        ids = fitting(rows.values_list("pk", "size")[: steps.size])
        if not ids:
            passed_over.report(run)
            return
        steps.take(partial(_change_all, run, ids, change, by))


def _change_all(run: Run, ids: Sequence[int], change: Change, by: Actor) -> int:
    """Change a batch, and note in the same transaction where it ends; return how many letters it had."""
    with transaction.atomic():
        done = failed = 0
        for letter in DeadLetter.objects.filter(pk__in=ids).order_by("pk"):
            error = _change(letter, change, by)
            done, failed = done + (not error), failed + bool(error)
            if error:
                run.problem(str(letter.pk), error)
        run.save_cursor({"after": ids[-1]})
        run.progress(done=done, failed=failed)
    return len(ids)


def _change(letter: DeadLetter, change: Change, by: Actor) -> str:
    """Change one letter; return why it could not be, "" when it was or nothing in it changes."""
    try:
        found = changed(letter, change)
        if found:
            editing.write(letter, by, found)
    except Unchangeable as error:
        return str(error)
    except Refusal as refusal:
        return refusal.text
    return ""
