"""The API's calls for definitions as files: exported, imported, and compared with the file that is the truth."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema

from consumers.files import applying, document, entries, planning, telling, truth
from consumers.files.document import Kind
from consumers.files.planning import Plan
from consumers.models import Consumer
from mqadmin.core.acts import audit
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, ApiError, Asked, Body

router = Router(tags=["consumers"], auth=VIEW.of("rows"))

_TEXT = {"content": {"text/plain": {"schema": {"type": "string"}}}}


class ConsumerExportQuery(Asked):
    """Which definitions, and in which form: all brokers' without `broker`."""

    format: Literal["yaml", "toml"] = "yaml"
    broker: str = ""


class ConsumerImportIn(Body):
    """`text`: the definitions; null for the file of MQADMIN_CONSUMERS_FILE. `dry_run`: only say what it would do.

    `mark`: of the plan that was seen; with another one nothing is done. `start`: start the new ones, too.
    """

    text: str | None = None
    format: Literal["yaml", "toml"] = "yaml"
    dry_run: bool = False
    mark: str | None = None
    start: bool = False


class ConsumerChangeOut(Schema):
    """A setting that differs. `hidden`: by what may be a secret, which neither value shows."""

    field: str
    before: Any
    after: Any
    hidden: bool


class ConsumerStepOut(Schema):
    """What would become of a consumer. `errors`: field -> why it is refused; "" speaks of all of it."""

    name: str
    act: Literal["create", "change", "refused"]
    changes: list[ConsumerChangeOut]
    errors: dict[str, str]


class ConsumerImportOut(Schema):
    """`same`: how many stay as they are; `extra`: not in the file, and left alone. `done`: false of a dry run.

    `left`: new ones that somebody else was faster with.
    """

    steps: list[ConsumerStepOut]
    same: int
    extra: list[str]
    mark: str
    done: bool
    created: list[str] = []
    changed: list[str] = []
    started: list[str] = []
    left: list[str] = []


class ConsumerDriftOut(Schema):
    """What differs between the file and the consumers. `problem`: why it cannot be read, "" where it can.

    `changed`: consumer -> what the file says otherwise. `lacking`: in the file alone; `extra`: not in it;
    `wrong`: consumer -> field -> what cannot be read.
    """

    file: str
    problem: str
    same: bool
    changed: dict[str, list[ConsumerChangeOut]]
    lacking: list[str]
    extra: list[str]
    wrong: dict[str, dict[str, str]]


@router.get("/consumer-files/export", response=None, openapi_extra={"responses": {200: _TEXT}})
def consumer_export(request: HttpRequest, wanted: Query[ConsumerExportQuery]) -> HttpResponse:
    """Give the definitions as text. What may be a secret in options is "•••"; an import keeps what is there."""
    rows = Consumer.objects.filter(is_collector=False)
    if wanted.broker:
        rows = rows.filter(broker=wanted.broker)
    text = document.written(entries.written(rows), wanted.format)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@router.post("/consumer-files/import", response=ConsumerImportOut, auth=CONFIGURE.of("rows"))
def consumer_import(request: HttpRequest, payload: ConsumerImportIn) -> dict[str, Any]:
    """Create and change what the text says, all or nothing; delete nothing, start nothing unless asked."""
    plan, source = _plan(payload.text, payload.format)
    told = {**telling.plan_out(plan), "done": not payload.dry_run}
    if payload.dry_run:
        return told
    by = audit.actor(request)
    done = applying.apply(plan, by=by, source=source, mark=payload.mark, start=payload.start)
    return told | {
        "created": done.created,
        "changed": done.changed,
        "started": done.started,
        "left": done.left,
    }


@router.get("/consumer-files/drift", response=ConsumerDriftOut)
def consumer_drift(request: HttpRequest) -> dict[str, Any]:
    """Compare the consumers with the file that MQADMIN_CONSUMERS_FILE names; 404 where it names none."""
    found = truth.drift()
    if found is None:
        raise ApiError(404, "no_file", _("MQADMIN_CONSUMERS_FILE names no file here."))
    return {
        "file": found.file,
        "problem": found.problem,
        "same": not found.is_any,
        "changed": {name: [*map(telling.change_out, items)] for name, items in found.changed.items()},
        "lacking": found.lacking,
        "extra": found.extra,
        "wrong": found.wrong,
    }


def _plan(text: str | None, kind: Kind) -> tuple[Plan, str]:
    if text is not None:
        return planning.plan(entries.read(document.parsed(text, kind))), kind.upper()
    found = truth.theirs(truth.read())
    if found is None:
        raise ApiError(404, "no_file", _("MQADMIN_CONSUMERS_FILE names no file here."))
    if found.problem:
        raise document.wrong(found.problem)
    return planning.plan(list(found.entries.values())), f"file {found.name}"[:80]
