"""What is plain: values of which Django would do nothing else than what is written here."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeData, SafeString

PLAIN: set[type] = set()
"""Types that have no `[]`, of which nothing can be called, as they were met."""

VALUES = {str, SafeString, int, float, bool, type(None)}
"""Types of which nothing can be called."""

UNKNOWN = object()
"""Not plain how it is got: Django knows."""

MISSING = object()
"""There is none."""


class NotPlain(Exception):
    """Django has to be asked."""


def is_plain(value: Any) -> bool:
    """Whether an attribute of it is asked for at once: it has no `[]` and is not called first."""
    if callable(value) or hasattr(type(value), "__getitem__"):
        return False
    PLAIN.add(type(value))
    return True


def filtered(value: Any, further: Any, context: Any) -> Any:
    """Return what filters with arguments make of a value, as Django calls them."""
    for function, arguments, is_told, is_safe in further:
        given = [one.resolve(context) if is_name else one for is_name, one in arguments]
        made = function(value, *given, autoescape=context.autoescape) if is_told else function(value, *given)
        value = SafeString(made) if is_safe and isinstance(value, SafeData) else made
    return value
