"""Hidden values that come back in an edit as they were shown: put back as they are stored, or refused."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.masking.masking import SHOWN, UNREAD
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.reading.jsontext import same

Table = Mapping[str, Any] | None
_ENCODINGS = ("content_type", "content_encoding")  # shown as those of the body without what is hidden


def unmasked(
    letter: DeadLetter, *, body: bytes | None, properties: Table, headers: Table
) -> tuple[Table, Table]:
    """Return (properties, headers) of an edit with the stored values where they are as they were shown.

    Raises Refusal (422, "masked") where body or headers hold the sign of a hidden value in its place: requeued, the
    message would carry that.
    """
    if not settings.MQADMIN_MASKED:
        return properties, headers
    shown, hidden = copy.copy(letter), list[Any]()
    masking.hide(shown, hidden)
    if headers is not None:
        headers = {name: _header(letter, shown, name, value) for name, value in headers.items()}
    if body is not None and body != bytes(letter.body):
        _check_body(letter, shown, hidden, body, properties)
    elif body is None and properties is not None:
        properties = _with_encodings(letter, shown, properties)
    return properties, headers


def _header(letter: DeadLetter, shown: DeadLetter, name: str, value: Any) -> Any:
    if name in letter.headers and same(value, shown.headers[name]):
        return letter.headers[name]
    is_hidden = masking.is_hidden("headers", name) or not same(
        shown.headers.get(name), letter.headers.get(name)
    )
    if is_hidden and SHOWN in str(value):
        raise _refusal(
            "headers", _("The header “%(name)s” holds the sign of a hidden value.") % {"name": name}
        )
    return value


def _check_body(
    letter: DeadLetter, shown: DeadLetter, hidden: list[Any], body: bytes, properties: Table
) -> None:
    new, taken = copy.copy(letter), list[Any]()
    new.body, new.headers = body, {}
    new.properties = letter.properties if properties is None else dict(properties)
    masking.hide(new, taken)
    # A letter that holds the sign already, from before it was refused, can be changed elsewhere.
    is_held = SHOWN in taken and SHOWN not in hidden
    is_unread = any(value is UNREAD for value in taken) and SHOWN.encode() in body
    if is_held or is_unread or body == bytes(shown.body):
        raise _refusal("body", _("The body holds the sign of a hidden value in its place."))


def _with_encodings(letter: DeadLetter, shown: DeadLetter, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with what the stored body is written in, which no new one replaces."""
    kept = [name for name in _ENCODINGS if same(properties.get(name), shown.properties.get(name))]
    stored = {name: letter.properties[name] for name in kept if name in letter.properties}
    return {**{name: value for name, value in properties.items() if name not in kept}, **stored}


def _refusal(field: str, text: str) -> Refusal:
    return Refusal(text, "masked", status=422, fields={field: text})
