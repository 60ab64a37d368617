"""The table of acts that can wait: by name, with the right that they take and how they are done once agreed to.

Only a name and JSON are kept of an act. The service itself registers what calls it again with them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings

from mqadmin.core.acts.audit import Actor
from mqadmin.core.permissions import Needed

Perform = Callable[[Mapping[str, Any], Actor], object]
"""Does an act with the arguments that were kept, in the name of who asked. Returns its operation, if it has one."""


@dataclass(frozen=True)
class Kind:
    """`counts_as`: acts that one person does a little at a time count together where they say the same."""

    act: str
    needs: Needed
    counts_as: str
    perform: Perform


_kinds: dict[str, Kind] = {}


def register(act: str, *, needs: Needed, counts_as: str) -> Callable[[Perform], Perform]:
    """Name the function that does an act again from what was kept of it."""

    def named(function: Perform) -> Perform:
        _kinds[act] = Kind(act, needs, counts_as, function)
        return function

    return named


def is_known(act: str) -> bool:
    """Whether an act may have to wait."""
    return act in _kinds


def of(act: str) -> Kind:
    """Return the entry of an act. Raises KeyError for one that nobody registered."""
    if act not in _kinds:
        import_module(settings.ROOT_URLCONF)  # all pages and calls, and so all that they do
    return _kinds[act]
