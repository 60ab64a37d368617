"""What is ticked of a plan, and the broker's name typed where it must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext as _

from mqadmin.core import unseen
from mqadmin.core.errors import Refusal
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.pages import showing


@dataclass(frozen=True)
class Choice:
    """What is ticked: ids of steps, and whether those that were not shown are meant too: `mark` stands for them."""

    ids: frozenset[str]
    rest: bool
    mark: str
    even_full: bool
    typed: str


def choice(given: QueryDict) -> Choice:
    """Return what a form says."""
    return Choice(
        frozenset(given.getlist("step")),
        bool(given.get("rest")),
        given.get("mark", ""),
        bool(given.get("even_full")),
        given.get("typed", ""),
    )


def chosen(found: Choice, steps: Sequence[Step], *, broker: str, is_production: bool) -> set[str]:
    """Return the ids of the steps that are to be done.

    Raises Refusal: (422, "invalid") where nothing is ticked, or the broker's name must be typed and is not;
    (409, "changed") where what was not shown is not the same any more.
    """
    ids = set(found.ids)
    if found.rest:
        rest = showing.rest_of(steps)
        if showing.mark(rest) != found.mark:
            raise Refusal(_("The broker changed meanwhile. Look again, then decide."), "changed")
        ids |= {step.id for step in rest}
    if not ids:
        raise _wrong("step", _("Tick what is to be done."))
    if missing := ids - {step.id for step in steps}:
        if missing == ids:
            raise Refusal(_("The broker changed meanwhile. Look again, then decide."), "changed")
        ids -= missing
    danger = any(step.is_dangerous for step in steps if step.id in ids)
    check_typed(found.typed, broker, is_needed=danger or is_production)
    return ids


def check_typed(typed: str, broker: str, *, is_needed: bool) -> None:
    """Raise Refusal (422) unless the broker's name is typed, where it must be."""
    if is_needed and not unseen.is_typed(typed, broker):
        raise _wrong("typed", _("Type the name of the broker exactly."))


def _wrong(field: str, text: str) -> Refusal:
    return Refusal(text, "invalid", status=422, fields={field: text})
