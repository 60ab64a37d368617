"""A journey as its page shows it: each step with where it leads, and how long after the one before it came."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from mqadmin.passing.journey.looking import Found
from mqadmin.passing.journey.steps import Step, line


@dataclass(frozen=True)
class StepRow:
    """A step. `after`: seconds since the one before, None for the first. `href` "" where it is not for who
    looks."""

    step: Step
    after: float | None
    href: str


def rows(found: Found, *, operates: bool) -> list[StepRow]:
    """Return the steps of a journey; what a tap saw is opened by operators alone."""
    shown: list[StepRow] = []
    before = None
    for step in line(found):
        after = None
        if step.at is not None:
            after = (step.at - before).total_seconds() if before is not None else None
            before = step.at
        shown.append(StepRow(step, after, href(step, operates=operates)))
    return shown


def href(step: Step, *, operates: bool) -> str:
    """Return the page of the row that a step is read from."""
    if step.source == "record":
        return reverse("record_detail", args=[step.id])
    if step.source == "letter":
        return reverse("letter_detail", args=[step.id])
    return reverse("tap_message", args=[step.parent, step.id]) if operates else ""
