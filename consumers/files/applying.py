"""A plan is carried out, all of it in one transaction or nothing: each consumer is audited, and the whole."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from consumers.definitions import changes, definitions
from consumers.definitions.definitions import FIELDS, RESTART_FIELDS, Conflict, supervised
from consumers.files.planning import Plan, Step
from consumers.models import Consumer
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.core.pages import prose


@dataclass(frozen=True)
class Done:
    """Names. `left`: new ones that could not be started, as somebody else was faster."""

    created: list[str]
    changed: list[str]
    started: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def apply(plan: Plan, *, by: Actor, source: str, mark: str | None = None, start: bool = False) -> Done:
    """Create and change what the plan says; delete nothing. `start`: the new ones, once all is written.

    `source`: what the file is called in the audit log. `mark`: of the plan that was seen. Raises Refusal (422)
    where a consumer is refused, Conflict where somebody changed one since; then nothing is done.
    """
    doing = plan.doing
    detail = {"created": _names(doing, "create"), "changed": _names(doing, "change")}
    with audit.act(by=by, action="consumer.import", target=source, count=len(doing), detail=detail):
        if plan.refused:
            raise Refusal(_refused(plan.refused), "invalid", status=422, fields=errors(plan))
        if mark is not None and mark != plan.mark:
            text = _("The file or a consumer has changed since you looked. Look again, then decide.")
            raise Conflict(text, "changed_meanwhile")
        with ExitStack() as acts:
            for step in doing:
                acts.enter_context(_act(step, by))
            with transaction.atomic():
                for step in doing:
                    _write(step, by)
    done = Done(detail["created"], detail["changed"])
    if start:
        _start(done, by)
    return done


def errors(plan: Plan) -> dict[str, str]:
    """Return what is wrong, by consumer and field: `orders.prefetch`."""
    return {
        f"{step.name}.{name}".rstrip("."): text for step in plan.refused for name, text in step.errors.items()
    }


def _act(step: Step, by: Actor) -> AbstractContextManager[AuditEntry]:
    if step.row is None:
        detail = {"handler": step.wanted.handler, "queue": step.wanted.queue}
        return definitions.act(step.wanted, by, "create", detail)
    return definitions.act(step.row, by, "update", changes.told(step.row, step.wanted, _fields(step)))


def _write(step: Step, by: Actor) -> None:
    wanted = step.wanted
    if step.row is None:
        wanted.changed_by = wanted.desired_by = by.name
        wanted.desired_at = timezone.now()
        try:
            wanted.save(force_insert=True)
        except IntegrityError as error:
            text = _("Somebody has defined %(name)s meanwhile. Look again, then decide.") % {
                "name": step.name
            }
            raise Conflict(text, "changed_meanwhile") from error
        return
    values = {name: getattr(wanted, name) for name in _fields(step)}
    values["changed_by"] = by.name
    if any(name in RESTART_FIELDS for name in _fields(step)):
        values["revision"] = step.row.revision + 1
    expected = {"revision": step.row.revision, **supervised(step.row)}
    definitions.swap(step.row, expected, values)


def _fields(step: Step) -> list[str]:
    return [name for name in FIELDS if getattr(step.row, name) != getattr(step.wanted, name)]


def _start(done: Done, by: Actor) -> None:
    for consumer in Consumer.objects.filter(name__in=done.created):
        try:
            definitions.start(consumer=consumer, by=by)
        except Conflict:
            done.left.append(consumer.name)
        else:
            done.started.append(consumer.name)


def _names(steps: list[Step], act: str) -> list[str]:
    return [step.name for step in steps if step.act == act]


def _refused(steps: list[Step]) -> str:
    first = steps[0]
    field_name, text = next(iter(first.errors.items()))
    told = [_("%(name)s: %(field)s %(text)s") % {"name": first.name, "field": field_name, "text": text}]
    if len(steps) > 1:
        told.append(_("And %(n)d more are refused.") % {"n": len(steps) - 1})
    return prose.paragraph((_("Nothing was done."), *told))
