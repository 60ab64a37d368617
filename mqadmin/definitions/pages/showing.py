"""Differences and plans as pages show them: some hundred rows, and how many more there are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mqadmin.core.tones import Tone
from mqadmin.definitions.acts import steps
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.comparing import differing
from mqadmin.definitions.comparing.differing import Difference
from mqadmin.definitions.keeping.who import Deed, Traces
from mqadmin.definitions.models import RestoreStep
from mqadmin.definitions.pages import timeline, words
from mqadmin.definitions.pages.timeline import Told

MOST = 300
ACT_TONES: dict[str, Tone] = {
    "create": "green",
    "change": "amber",
    "delete": "red",
    "conflict": "red",
    "blocked": "grey",
}
OUTCOME_TONES: dict[str, Tone] = {
    "": "grey",
    "sent": "blue",
    "done": "green",
    "failed": "red",
    "changed": "amber",
}


@dataclass(frozen=True)
class Shown:
    """A difference as a page shows it: the object, each value before and after, who did it."""

    id: str
    told: Told
    changes: list[str]
    deed: Deed | None


@dataclass(frozen=True)
class Compared:
    """Differences as a page shows them. `more`: how many are not among `rows`; `lines`: the same as lines."""

    totals: str
    count: int
    rows: list[Shown]
    more: int
    lines: str


def compared(found: Sequence[Difference], traces: Traces | None = None) -> Compared:
    """Return differences as a page shows them; `traces`: of the acts that may have made them."""
    rows = [
        Shown(
            item.key.id,
            timeline.told_of(item.how, item.key),
            [words.change(change) for change in item.changes],
            traces.of(item.key, is_gone=item.after is None) if traces is not None else None,
        )
        for item in found[:MOST]
    ]
    lines = "\n".join(differing.lines(found[:MOST]))
    return Compared(words.totals(differing.counted(found)), len(found), rows, len(found) - len(rows), lines)


@dataclass(frozen=True)
class Planned:
    """A step as a page shows it. `ticked`: from the start; `is_loss`: it may lose messages."""

    id: str
    act: str
    tone: Tone
    kind: str
    name: str
    vhost: str
    why: str
    changes: list[str]
    can_be_done: bool
    ticked: bool
    is_loss: bool


@dataclass(frozen=True)
class Plan:
    """A plan as a page shows it. `rest`: steps that are not shown, and create or change; `mark` stands for them."""

    rows: list[Planned]
    count: int
    rest: int
    mark: str
    doable: int
    has_danger: bool
    hidden: int


def planned(found: Sequence[Step], ticked: Iterable[str] | None = None) -> Plan:
    """Return a plan as a page shows it; `ticked`: what is ticked, None: all that creates or changes."""
    chosen = None if ticked is None else set(ticked)
    # What needs a decision first: then what is merely made again, of which there may be thousands.
    ordered = sorted(found, key=lambda step: step.act in ("create", "change"))
    shown, others = ordered[:MOST], ordered[MOST:]
    rest = [step for step in others if step.act in ("create", "change")]
    place = {step.id: at for at, step in enumerate(found)}
    rows = [_planned(step, chosen) for step in sorted(shown, key=lambda step: place[step.id])]
    return Plan(
        rows,
        len(found),
        len(rest),
        mark(rest),
        sum(step.can_be_done for step in found),
        any(step.is_dangerous for step in found),
        len(others) - len(rest),
    )


def rest_of(found: Sequence[Step]) -> list[Step]:
    """Return the steps that create or change and are not shown by `planned`."""
    ordered = sorted(found, key=lambda step: step.act in ("create", "change"))
    return [step for step in ordered[MOST:] if step.act in ("create", "change")]


def mark(found: Iterable[Step]) -> str:
    """Return what changes whenever one of the steps does."""
    return hashlib.blake2b("".join(step.id for step in found).encode(), digest_size=8).hexdigest()


def _planned(step: Step, chosen: set[str] | None) -> Planned:
    is_mild = step.act in ("create", "change")
    key = step.key
    return Planned(
        id=step.id,
        act=words.act(step),
        tone=ACT_TONES[step.act],
        kind=words.kind(key.kind),
        name=key.name,
        vhost="" if key.parts == (key.vhost,) else key.vhost,
        why=words.why(step),
        changes=[words.change(change) for change in step.changes] if step.act == "change" else [],
        can_be_done=step.can_be_done,
        ticked=step.can_be_done and (is_mild if chosen is None else step.id in chosen),
        is_loss=step.act == "delete" and step.messages != 0 and step.is_dangerous,
    )


@dataclass(frozen=True)
class Done:
    """A result as a page shows it."""

    step: Planned
    outcome: str
    tone: Tone
    text: str


def results(rows: Iterable[RestoreStep]) -> list[Done]:
    """Return the objects of a restore as a page shows them."""
    found = [steps.result(row) for row in rows]
    return [
        Done(_planned(item.step, set()), words.outcome(item.outcome), OUTCOME_TONES[item.outcome], item.text)
        for item in found
    ]
