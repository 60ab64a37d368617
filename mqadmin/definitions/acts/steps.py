"""Steps of a restore as rows: written when it begins, read by the worker, shown on its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from mqadmin.core.models import Operation
from mqadmin.core.rows import deleting
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.models import RestoreStep

Outcome = RestoreStep.Outcome
AT_ONCE = 500
DELETING_SECONDS = 20.0
KEPT = timedelta(days=90)  # after the restore has ended


@dataclass(frozen=True)
class Result:
    """What became of one step: done, failed with the broker's words, not done as it had changed meanwhile; ""
    waits, "sent" was not read back."""

    step: Step
    outcome: str
    text: str = ""


def to_json(step: Step) -> dict[str, Any]:
    """Return all of a step that is not a column; its objects are masked."""
    return {
        "key": list(step.key),
        "current": step.current,
        "wanted": step.wanted,
        "inside": step.inside,
        "messages": step.messages,
        "brings_password": step.brings_password,
    }


def of(row: RestoreStep) -> Step:
    """Return the step of a row."""
    body: Mapping[str, Any] = row.body
    kind, vhost, parts = body["key"]
    return Step(
        row.act,  # type: ignore[arg-type]
        Key(kind, vhost, tuple(parts)),
        body["current"],
        body["wanted"],
        "",
        body["inside"],
        body["messages"],
        body["brings_password"],
    )


def result(row: RestoreStep) -> Result:
    """Return what became of a row's step."""
    return Result(of(row), row.outcome, row.text)


def write(operation: Operation, todo: Sequence[Step], found: Mapping[str, Result]) -> None:
    """Write the rows of a restore; `found`: of those that are done already, by `Step.id`."""
    RestoreStep.objects.bulk_create(
        (_row(operation, number, step, found.get(step.id)) for number, step in enumerate(todo)),
        batch_size=AT_ONCE,
    )


def _row(operation: Operation, number: int, step: Step, found: Result | None) -> RestoreStep:
    row = RestoreStep(
        operation=operation,
        number=number,
        step=step.id,
        object=step.key.id,
        kind=step.key.kind,
        act=step.act,
    )
    row.body = to_json(step)
    if found is not None:
        row.outcome, row.text = found.outcome, plain(found.text)
        row.at = operation.created_at
    return row


def plain(text: str) -> str:
    """Return a text as a column can hold it: PostgreSQL has no NUL, and names may have one."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def forget() -> str:
    """Delete what became of each object of restores that ended long ago; returns what went, in words."""
    old = RestoreStep.objects.filter(operation__finished_at__lt=timezone.now() - KEPT)
    gone = deleting.all_of(old, deleting.Steps(DELETING_SECONDS))
    text = ngettext("%(n)s object of restores", "%(n)s objects of restores", gone)
    return text % {"n": gone} if gone else ""
