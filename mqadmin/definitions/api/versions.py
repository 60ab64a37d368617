"""The API's calls for versions of definitions: listed, read, compared, restored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.paging import Page, paginate
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, PageQuery, a_broker, one, the_broker
from mqadmin.core.models import Operation
from mqadmin.definitions.acts import restoring, sources
from mqadmin.definitions.acts import steps as rows_of
from mqadmin.definitions.acts.planning import Scope
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.comparing import differing
from mqadmin.definitions.forms import restore as forms
from mqadmin.definitions.models import RestoreStep, Version
from mqadmin.definitions.pages import telling
from mqadmin.queues.pages.broker_status import is_production

router = Router(tags=["definitions"], auth=VIEW.of("broker"))


class VersionOut(Schema):
    """A version: it held from `at`. `changed`: how many objects against the one before; {} for the first of all."""

    id: int
    broker: str
    at: datetime
    since: datetime | None
    rabbitmq_version: str
    counts: dict[str, int]
    changed: dict[str, int]
    who: list[dict[str, str]]


class VersionList(Schema):
    items: list[VersionOut]
    total: int
    next: str | None


class VersionQuery(PageQuery):
    """Whose versions."""

    broker: str = ""


class DiffQuery(Asked):
    """Which two: the number of a version, "now", or "now:BROKER"; of all or of one virtual host."""

    one: str
    other: str = sources.NOW
    broker: str = ""
    vhost: str | None = None


class DifferenceOut(Schema):
    """An object that differs: `how` is added, gone or changed. Secrets are masked."""

    id: str
    kind: str
    vhost: str | None
    name: str
    key: list[str]
    how: str
    text: str
    changes: list[dict[str, Any]]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class DiffOut(Schema):
    """What differs. `lines`: the same as lines, cut after some thousand."""

    same: bool
    differences: list[DifferenceOut]
    lines: list[str]


class RestoreStepOut(Schema):
    """What would become of an object: `act` is create, change, delete, conflict or blocked."""

    step: str
    act: str
    id: str
    kind: str
    vhost: str | None
    name: str
    key: list[str]
    why: str | None
    is_dangerous: bool
    messages: int | None
    changes: list[dict[str, Any]]
    outcome: str | None = None
    text: str | None = None


class StepsOut(Schema):
    """The steps of a plan."""

    dry_run: bool
    steps: list[RestoreStepOut]


class ResultList(Schema):
    """Steps with their `outcome`: "" waits, sent, done, failed, or changed: it was another object by then."""

    items: list[RestoreStepOut]
    total: int
    next: str | None


class RestoreIn(Body):
    """What is to be restored: all, a virtual host, one object by its `id`, or the `steps` that a dry run told.

    Without `steps` all that creates or changes is done, and nothing is deleted. `confirm` is the broker's name: on
    a production broker, and to delete a queue, a user or a virtual host.
    """

    vhost: str | None = None
    object: str = ""
    steps: list[str] | None = None
    even_full: bool = False
    confirm: str = ""
    dry_run: bool = False


@router.get("/definitions", response=VersionList)
def definitions_list(request: HttpRequest, wanted: Query[VersionQuery]) -> Page:
    """List the versions of a broker's definitions, the newest first."""
    rows = Version.objects.filter(broker=the_broker(wanted.broker)).defer("parts", "told")
    return paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=["-id"])


@router.get("/definitions/diff", response=DiffOut)
def definitions_diff(request: HttpRequest, wanted: Query[DiffQuery]) -> dict[str, Any]:
    """Compare two versions, or brokers as they are now."""
    broker = a_broker(wanted.broker)
    before, after = sources.found(wanted.one, broker), sources.found(wanted.other, broker)
    found = differing.differences(before.objects, after.objects, vhost=wanted.vhost)
    return {
        "same": not found,
        "differences": [telling.difference_out(item) for item in found],
        "lines": differing.lines(found),
    }


@router.get("/definitions/{int:version_id}", response=dict[str, Any], auth=VIEW.of("rows"))
def definitions_of(request: HttpRequest, version_id: int, vhost: str | None = None) -> dict[str, Any]:
    """Return a version as a document that RabbitMQ imports, without passwords."""
    return sources.exported(sources.of_version(_version(version_id)), vhost=vhost)


@router.get("/definitions/restores/{int:restore_id}", response=ResultList, auth=VIEW.of("rows"))
def definitions_restored(request: HttpRequest, restore_id: int, wanted: Query[PageQuery]) -> dict[str, Any]:
    """List the objects of a restore in the order in which they go, with what became of each."""
    words = _("There is no restore %(id)s.") % {"id": restore_id}
    operation = one(Operation.objects.filter(pk=restore_id, kind=restoring.KIND), words)
    permissions.require(operation.broker)
    rows = RestoreStep.objects.filter(operation=operation)
    page = paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=["number"])
    return {**page, "items": [telling.result_out(rows_of.result(row)) for row in page["items"]]}


@router.post(
    "/definitions/{int:version_id}/restore",
    response={200: StepsOut, 202: OperationOut},
    auth=CONFIGURE.of("rows"),
)
def definitions_restore(request: HttpRequest, version_id: int, wanted: RestoreIn) -> Status[Any]:
    """Begin to bring the broker back to a version, or with `dry_run` (200) say what that would do.

    A worker does it: `GET /operations/{id}` says how far it is, `GET /definitions/restores/{id}` what became of
    each object.
    """
    version = _version(version_id)
    what = Wanted(sources.of_version(version).objects, f"version {version.pk}", version.pk)
    return carried_out(request, version.broker, what, wanted, Scope(wanted.vhost, wanted.object))


def carried_out(
    request: HttpRequest, broker: str, what: Wanted, wanted: RestoreIn, scope: Scope
) -> Status[Any]:
    """Plan, and begin it where it is no dry run. Raises Refusal, RabbitError."""
    steps = restoring.steps(broker, what, scope=scope)
    if wanted.dry_run:
        return Status(200, {"dry_run": True, "steps": [telling.step_out(step) for step in steps]})
    mild = [step.id for step in steps if step.act in ("create", "change")]
    ids = frozenset(mild if wanted.steps is None else wanted.steps)
    choice = forms.Choice(ids, False, "", wanted.even_full, wanted.confirm)
    chosen = forms.chosen(choice, steps, broker=broker, is_production=is_production(broker))
    operation = restoring.start(
        broker=broker,
        wanted=what,
        chosen=chosen,
        by=audit.actor(request),
        scope=scope,
        even_full=wanted.even_full,
    )
    return Status(202, operation)


def _version(number: int) -> Version:
    words = _("There is no version %(id)s of definitions.") % {"id": number}
    return one(Version.objects.filter(pk=number), words)
