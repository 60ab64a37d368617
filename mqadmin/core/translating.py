"""Django's `gettext` and `ngettext`, for words that are asked for in each row of a table: looked up once.

A message is looked up by its own text: give it no text that was put together, each of which would be kept.
"""

from __future__ import annotations

from functools import lru_cache

from django.utils import translation


def gettext(message: str) -> str:
    """Return the message in the language of whoever asks."""
    return _message(translation.get_language(), message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form for so many."""
    return _form(translation.get_language(), singular, plural, number)


@lru_cache(maxsize=5_000)
def _message(_language: str | None, message: str) -> str:
    return translation.gettext(message)


@lru_cache(maxsize=5_000)
def _form(_language: str | None, singular: str, plural: str, number: int) -> str:
    return translation.ngettext(singular, plural, number)
