"""A journey as its page shows it: each step with where it leads, and how long after the one before it came."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.urls import reverse

from mqadmin.core.rights import naming
from mqadmin.passing.journey.looking import Found
from mqadmin.passing.journey.steps import Step, line
from mqadmin.passing.models import Tap


@dataclass(frozen=True)
class StepRow:
    """A step. `after`: seconds since the one before, None for the first. `href` "" where it is not for who
    looks."""

    step: Step
    after: float | None
    href: str


def rows(found: Found) -> list[StepRow]:
    """Return the steps of a journey; what a tap saw is opened by its operators alone."""
    taps = {row.tap_id for row in found.seen if _operates(row.tap)}
    shown: list[StepRow] = []
    before = None
    for step in line(found):
        after = None
        if step.at is not None:
            after = (step.at - before).total_seconds() if before is not None else None
            before = step.at
        shown.append(StepRow(step, after, href(step, taps)))
    return shown


def _operates(tap: Tap) -> bool:
    return naming.holds("operate", tap.broker, tap.vhost, tap.of_queue)


def href(step: Step, taps: Collection[int]) -> str:
    """Return the page of the row that a step is read from; `taps`: those that who looks may operate."""
    if step.source == "record":
        return reverse("record_detail", args=[step.id])
    if step.source == "letter":
        return reverse("letter_detail", args=[step.id])
    return reverse("tap_message", args=[step.parent, step.id]) if step.parent in taps else ""
