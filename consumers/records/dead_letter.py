"""The dead letter of a record: this app does not know dead letters, the one above registers who does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consumers.models import Record


@dataclass(frozen=True)
class RecordLetter:
    """The dead letter that a record's message became, or came from."""

    id: int
    href: str
    text: str


_finders: list[Callable[[Record], RecordLetter | None]] = []


def register(function: Callable[[Record], RecordLetter | None]) -> Callable[[Record], RecordLetter | None]:
    """Set who knows the dead letter of a record. Called in an AppConfig.ready() above this app."""
    if function not in _finders:
        _finders.append(function)
    return function


def find(record: Record) -> RecordLetter | None:
    """Return the dead letter linked with `record`, if there is one."""
    return next((found for function in _finders if (found := function(record))), None)
