"""What the values of a choice are called: Django's `get_..._display` makes the table anew for each row."""

from __future__ import annotations

from functools import lru_cache

from django.db.models import TextChoices
from django.utils.translation import get_language


def label(choices: type[TextChoices], value: str) -> str:
    """Return what a value is called; one that is no choice is called as it is."""
    return _labels(choices, get_language()).get(value, value)


@lru_cache(maxsize=100)
def _labels(choices: type[TextChoices], _language: str | None) -> dict[str, str]:
    return {str(value): str(said) for value, said in choices.choices}
