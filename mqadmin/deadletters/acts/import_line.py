"""What one line of an exported file holds, field by field, and what is said of a field that holds something else.

pydantic checks; the sentences are ours. Of several faults the first is told, in the order in which the fields
stand here, and of a table's own before those of what is in it. Lengths and choices are the database's to check
(`DeadLetter.clean_fields`), what AMQP can hold is `editing`'s.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Required, get_type_hints

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import (
    ConfigDict,
    FailFast,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from mqadmin.deadletters.letter import letters

Words = str | Promise
_LARGEST = 2**31 - 1


def _moment(value: Any) -> datetime:
    found = letters.read_moment(value)
    if found is None:
        raise ValueError("no time")
    return found


def _moment_or_none(value: Any) -> datetime | None:
    return None if value is None else _moment(value)


def _time_of_death(value: Any) -> str | None:
    return None if value is None else _moment(value).isoformat()


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, TypeError) as error:
        raise ValueError("no base64") from error


def _base64(value: Any) -> Any:
    _bytes(value)
    return value


# A constraint has pydantic look at every character: JSON can spell halves of one, which no database takes.
_Whole = Annotated[str, StringConstraints(max_length=_LARGEST)]
_Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
_CLOSED = ConfigDict(strict=True, extra="forbid")


class _Death(TypedDict):
    """An entry of `deaths` as the capture writes it: the letter's page and the API rely on its form."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    queue: _Whole
    reason: _Whole
    count: Annotated[int, Field(ge=0, le=_LARGEST)]
    time: Annotated[str | None, PlainValidator(_time_of_death)]
    exchange: _Whole
    routing_keys: Annotated[list[_Whole], FailFast()]


class _Original(TypedDict):
    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    properties: dict[Any, Any]
    headers: dict[Any, Any]
    body: Annotated[str, PlainValidator(_base64)]


class _Line(TypedDict, total=False):
    __pydantic_config__ = ConfigDict(strict=True, extra="forbid", defer_build=True)  # type: ignore[misc]
    mqadmin_letter: Any
    id: Any
    broker: Any
    vhost: Required[_Text]
    dead_letter_queue: Required[_Text]
    source_queue: _Text
    source_exchange: _Text
    return_queue: _Text
    reason: _Text
    message_id: _Text
    error_type: _Text
    error: _Text
    trace: _Text
    framework: _Text
    consumer: _Text
    group: _Text
    status: _Text
    status_reason: _Text
    note: _Text
    requeue_id: _Text
    came_back_as: _Text
    fingerprint: Required[_Text]
    death_count: int
    requeue_count: int
    routing_keys: Annotated[list[_Text], FailFast()]
    deaths: Annotated[list[_Death], FailFast()]
    properties: Required[dict[Any, Any]]
    headers: Required[dict[Any, Any]]
    first_death_at: Annotated[datetime | None, PlainValidator(_moment_or_none)]
    captured_at: Required[Annotated[datetime, PlainValidator(_moment)]]
    body: Required[Annotated[bytes, PlainValidator(_bytes)]]
    original: _Original | None


_LINE: TypeAdapter[_Line] = TypeAdapter(_Line)
# The texts and numbers among the fields.
SCALARS = tuple(name for name, kind in get_type_hints(_Line).items() if kind in (str, int))
_NOT_OF_A_LETTER = ("mqadmin_letter", "id", "broker")

_TEXT: Words = gettext_lazy("%(name)s must be text, without NUL.")
_NUMBER: Words = gettext_lazy("%(name)s must be a whole number.")
_TABLE: Words = gettext_lazy("%(name)s must be a table.")
_TIME: Words = gettext_lazy("%(name)s must be a time.")
# The path of a fault, [] for an item -> what is said. Of a path that is not here: what its beginning says.
_SAID: dict[str, Words] = {
    "death_count": _NUMBER,
    "requeue_count": _NUMBER,
    "routing_keys": gettext_lazy("%(name)s must be a list."),
    "routing_keys[]": gettext_lazy("%(name)s must be a list of texts, without NUL."),
    "deaths": gettext_lazy("%(name)s must be a list."),
    "deaths[]": gettext_lazy("deaths must hold tables with %(names)s."),
    "deaths[].count": _NUMBER,
    "deaths[].routing_keys": gettext_lazy("%(name)s must be a list of texts."),
    "deaths[].time": _TIME,
    "properties": _TABLE,
    "headers": _TABLE,
    "first_death_at": _TIME,
    "captured_at": _TIME,
    "body": gettext_lazy("body must be base64."),
    "original": gettext_lazy("original must hold properties, headers and body."),
    "original.body": gettext_lazy("body must be base64."),
}


class Unusable(ValueError):
    """A line is not a letter."""


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a letter: moments and bytes in place of texts. Raises Unusable, with a sentence."""
    try:
        found = _LINE.validate_python(values)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise Unusable(_sentence(faults)) from None
    return {name: value for name, value in found.items() if name not in _NOT_OF_A_LETTER}


def _sentence(faults: list[ErrorDetails]) -> str:
    for kind, words in (
        ("missing", _("It lacks %(names)s.")),
        ("extra_forbidden", _("It has fields that are not known: %(names)s.")),
    ):
        names = [str(fault["loc"][0]) for fault in faults if fault["type"] == kind and len(fault["loc"]) == 1]
        if names:
            return words % {"names": ", ".join(names if kind == "missing" else sorted(names))}
    field = faults[0]["loc"][0]
    path = min((_path(fault) for fault in faults if fault["loc"][0] == field), key=len)
    if not path:
        return _TEXT % {"name": field}
    name = ".".join(part for part in path if isinstance(part, str))
    return _SAID[_written(path)] % {"name": name, "names": ", ".join(sorted(_Death.__annotations__))}


def _path(fault: ErrorDetails) -> tuple[int | str, ...]:
    """Return where that lies of which there is something to say, () for one of the texts."""
    path = fault["loc"]
    if fault["type"] in ("missing", "extra_forbidden"):
        path = path[:-1]  # the table that lacks it, or has too much
    while path and _written(path) not in _SAID:
        path = path[:-1]
    return path


def _written(path: Sequence[int | str]) -> str:
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
