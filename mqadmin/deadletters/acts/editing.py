"""Change what a letter says before it is requeued. What was captured is kept and can be brought back."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.letter import bodytext, letters
from mqadmin.deadletters.masking import unmasking
from mqadmin.deadletters.models import CauseNote, DeadLetter, LetterEvent
from mqadmin.deadletters.search import cause_rights
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.reading.jsontext import same

NOTE_CHARACTERS = 5_000


def edit(
    *,
    letter: DeadLetter,
    by: Actor,
    body: bytes | None = None,
    properties: Mapping[str, Any] | None = None,
    headers: Mapping[str, Any] | None = None,
) -> DeadLetter:
    """Replace body, properties (without headers) or headers of a parked letter; None leaves one as it is.

    `properties` and `headers` are the lossless JSON of `mqadmin.rabbit.message`. Raises Refusal (422) for what
    AMQP cannot hold and for the sign of a hidden value in its place (see `unmasking`), (409) when the letter is not
    parked or somebody changed it since it was read.
    """
    with audit.act(
        by=by, action="dead_letters.edit", broker=letter.broker, target=_target(letter), count=1
    ) as entry:
        properties, headers = unmasking.unmasked(letter, body=body, properties=properties, headers=headers)
        changes: dict[str, Any] = {}
        if body is not None and body != bytes(letter.body):
            changes |= {"body": body, "size": len(body)}
        if properties is not None and not same(dict(properties), letter.properties):
            changes["properties"] = dict(properties)
        if headers is not None and not same(dict(headers), letter.headers):
            changes["headers"] = dict(headers)
        entry.detail = {"changed": sorted(changes.keys() - {"size"})}
        check(properties, headers)
        if changes:
            write(letter, by, changes)
            letter.refresh_from_db()
        return letter


def write(letter: DeadLetter, by: Actor, changes: dict[str, Any]) -> None:
    """Write other values of body, properties or headers, checked already; what was captured is kept.

    `letter` itself has the new values, its count of edits apart.

    No entry in the audit log: that is the caller's. Raises Refusal (409) as `edit` does.
    """
    named = ", ".join(sorted(changes.keys() - {"size"}))
    if "body" in changes:
        changes = {**changes, "size": len(changes["body"])}
    if letter.original is None:
        original = {
            "properties": letter.properties,
            "headers": letter.headers,
            "body": base64.b64encode(bytes(letter.body)).decode(),
        }
        changes = {**changes, "original": original}
    _write(letter, by, changes, "edited", named)


def revert(*, letter: DeadLetter, by: Actor) -> DeadLetter:
    """Bring back what was captured. Raises Refusal when it was not edited, or as `edit` does."""
    with audit.act(
        by=by, action="dead_letters.revert", broker=letter.broker, target=_target(letter), count=1
    ):
        if letter.original is None:
            raise Refusal(_("This letter was not edited."), "not_edited")
        body = base64.b64decode(letter.original["body"])
        changes = {
            "properties": letter.original["properties"],
            "headers": letter.original["headers"],
            "body": body,
            "size": len(body),
            "original": None,
        }
        _write(letter, by, changes, "reverted", "")
        letter.refresh_from_db()
        return letter


def note(*, letter: DeadLetter, text: str, by: Actor) -> DeadLetter:
    """Write a note on a letter, "" removes it."""
    text = text.strip()[:NOTE_CHARACTERS].replace("\0", "")
    with audit.act(by=by, action="dead_letters.note", broker=letter.broker, target=_target(letter), count=1):
        if text != letter.note:
            with transaction.atomic():
                DeadLetter.objects.filter(pk=letter.pk).update(note=text)
                _remember(letter, by, "noted", text)
            letter.note = text
    return letter


def note_cause(*, broker: str, group: str, text: str, by: Actor) -> None:
    """Write a note on a cause, "" removes it. Raises Refusal for a cause that no letter has."""
    text = text.strip()[:500].replace("\0", "")
    cause_rights.require(broker, group)
    with audit.act(by=by, action="dead_letters.note_cause", broker=broker, target=f"cause {group}"):
        if not DeadLetter.objects.filter(broker=broker, group=group).exists():
            raise Refusal(_("No letter has this cause."), "not_found", status=404)
        notes = CauseNote._base_manager  # whose cause it is was asked: `cause_rights`
        if text:
            notes.update_or_create(broker=broker, group=group, defaults={"text": text, "by": by.name})
        else:
            notes.filter(broker=broker, group=group, owner="").delete()
            notes.filter(broker=broker, group=group).update(text="")


def own_cause(*, broker: str, group: str, owner: str, by: Actor) -> None:
    """Say who looks after a cause, "" for nobody. Raises Refusal for a cause that no letter has."""
    owner = owner.strip()[:150].replace("\0", "")
    cause_rights.require(broker, group)
    with audit.act(
        by=by,
        action="dead_letters.own_cause",
        broker=broker,
        target=f"cause {group}",
        detail={"owner": owner},
    ):
        if not DeadLetter.objects.filter(broker=broker, group=group).exists():
            raise Refusal(_("No letter has this cause."), "not_found", status=404)
        notes = CauseNote._base_manager  # whose cause it is was asked: `cause_rights`
        notes.update_or_create(broker=broker, group=group, defaults={"owner": owner, "by": by.name})
        notes.filter(broker=broker, group=group, owner="", text="").delete()


def decode_body(text: str, encoding: str) -> bytes:
    """Return the body that `text` stands for: "utf-8", "json", "hex" or "base64". Raises Refusal (422)."""
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        said = _("The body holds half a surrogate pair, which is not text.")
        raise Refusal(said, "invalid", status=422, fields={"body": said})
    try:
        return bodytext.read(text, encoding)
    except bodytext.Unreadable as error:
        said = _("The body is not base64.") if encoding == "base64" else error.text
        raise Refusal(said, "invalid", status=422, fields={"body": error.text}) from None


def check(properties: Mapping[str, Any] | None, headers: Mapping[str, Any] | None) -> None:
    """Raise Refusal (422) for what AMQP cannot hold: tries what a requeue would do with them."""
    for field, value in (("properties", properties), ("headers", headers)):
        if value is None:
            continue
        try:
            read = Properties.from_json(dict(value) if field == "properties" else {"headers": dict(value)})
            if field == "properties" and read.headers is not None:
                raise ValueError(_("headers are a field of their own"))
            read.check()
        except (ValueError, TypeError, OverflowError, AttributeError, KeyError, RecursionError) as error:
            raise Refusal(str(error), "invalid", status=422, fields={field: str(error)}) from error


def _write(letter: DeadLetter, by: Actor, changes: dict[str, Any], kind: str, text: str) -> None:
    for field, value in changes.items():
        setattr(letter, field, value)
    with transaction.atomic():
        updated = DeadLetter.objects.filter(
            pk=letter.pk, status=DeadLetter.Status.PARKED, edits=letter.edits
        ).update(**changes, edits=letter.edits + 1, search_text=letters.search_text_of(letter))
        if not updated:
            raise Refusal(
                _("It was changed or requeued meanwhile, so nothing was written. Look again, then decide."),
                "changed_meanwhile",
            )
        _remember(letter, by, kind, text)


def _remember(letter: DeadLetter, by: Actor, kind: str, text: str) -> None:
    LetterEvent.objects.create(letter=letter, at=timezone.now(), kind=kind, by=by.name, text=text[:500])


def _target(letter: DeadLetter) -> str:
    return f"letter {letter.pk} ({letters.described(letter)})"
