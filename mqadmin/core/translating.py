"""Django's `gettext` and `ngettext`, for words that are asked for in each row of a table: looked up once.

A message is looked up by its own text: give it no text that was put together, each of which would be kept.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import tzinfo
from functools import lru_cache

from django.utils import timezone, translation


class _Here(threading.local):
    """What this thread holds; None: it is asked for each time."""

    held: tuple[str | None, tzinfo] | None = None


_here = _Here()


def language() -> str | None:
    """Return Django's current language."""
    held = _here.held
    return translation.get_language() if held is None else held[0]


def zone() -> tzinfo:
    """Return Django's current time zone."""
    held = _here.held
    return timezone.get_current_timezone() if held is None else held[1]


@contextmanager
def settled() -> Iterator[None]:
    """Within, this thread changes neither language nor time zone: both are looked up once.

    Each look of Django's own goes through a context variable, a seventh of what a table of queues takes to draw.
    """
    before = _here.held
    _here.held = (translation.get_language(), timezone.get_current_timezone())
    try:
        yield
    finally:
        _here.held = before


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within, this thread speaks another language: for what is read elsewhere, such as a message of an alert."""
    held = _here.held
    with translation.override(code):
        if held is not None:
            _here.held = (code, held[1])
        try:
            yield
        finally:
            _here.held = held


def gettext(message: str) -> str:
    """Return the message in the language of whoever asks."""
    return _message(language(), message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form for so many."""
    return _form(language(), singular, plural, number)


@lru_cache(maxsize=5_000)
def _message(_language: str | None, message: str) -> str:
    return translation.gettext(message)


@lru_cache(maxsize=5_000)
def _form(_language: str | None, singular: str, plural: str, number: int) -> str:
    return translation.ngettext(singular, plural, number)
