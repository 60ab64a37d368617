"""A restore: what it would do, with ticks; then, while a worker is at it, what became of each object."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from mqadmin.approvals.gate import gate
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import rendering
from mqadmin.definitions.acts import restoring, sources
from mqadmin.definitions.acts.planning import Scope
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.forms import restore as forms
from mqadmin.definitions.models import Version
from mqadmin.definitions.pages import progress, showing
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.rabbit.errors import RabbitError

PER_PAGE = 100


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def version_restore(request: HttpRequest, version_id: int) -> HttpResponse:
    """Bring the broker back to a version: all of it, a virtual host, or one object."""
    version = get_object_or_404(Version, pk=version_id)
    brokers.show(request, version.broker)
    given = request.POST if request.method == "POST" else request.GET
    scope = Scope(vhost=given.get("vhost") or None, object_id=given.get("object", ""))
    source = sources.of_version(version)
    context: dict[str, Any] = {
        "version": version,
        "broker": version.broker,
        "scope": scope,
        "vhosts": sources.vhosts_of(source.objects),
    }
    wanted = Wanted(source.objects, called(version), version.pk)
    filled, status = carried_out(request, version.broker, wanted, scope)
    if begun := filled.get("operation"):
        return going_on(request, begun)
    return rendering.page(request, "definitions/restore.html", context | filled, status=status)


def called(version: Version) -> str:
    """Return what a version is called in the audit log."""
    return f"version {version.pk} of {version.at:%Y-%m-%d %H:%M:%S}"


def going_on(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Answer a POST that began a restore: go where it is followed."""
    href = reverse("definitions_restored", args=[operation.pk])
    return rendering.moved(request, href, _("%(what)s: begun.") % {"what": operation.summary})


@permissions.view.of("rows")
@require_GET
def definitions_restored(request: HttpRequest, restore_id: int) -> HttpResponse:
    """How far a restore is, and what became of each object: what failed first."""
    operation = get_object_or_404(Operation, pk=restore_id, kind=restoring.KIND)
    permissions.require(operation.broker)
    permissions.about(request, operation.broker)
    brokers.show(request, operation.broker)
    page = Paginator(progress.rows(operation), PER_PAGE).get_page(request.GET.get("page"))
    context = progress.state(operation) | {"page": page, "rows": showing.results(page.object_list)}
    return rendering.page(
        request, "definitions/restored.html", context, fragment="definitions/_restored.html"
    )


def carried_out(
    request: HttpRequest, broker: str, wanted: Wanted, scope: Scope, *, only_plan: bool = False
) -> tuple[dict[str, Any], int]:
    """Begin what a POST ticks, else plan; return what the page shows of it, and the status. What was begun is in
    "operation".

    `only_plan`: the POST brings a file, and nothing is ticked yet.
    """
    must_type = is_production(broker)
    context: dict[str, Any] = {
        "must_type": must_type,
        "waits": gate.rule(broker),
        "refusal": "",
        "fields": {},
        "plan": None,
    }
    status, ticked = 200, None
    try:
        if request.method == "POST" and not only_plan:
            choice = forms.choice(request.POST)
            ticked = choice.ids
            try:
                steps = restoring.steps(broker, wanted, scope=scope)
                ids = forms.chosen(choice, steps, broker=broker, is_production=must_type)
                begun = restoring.start(
                    broker=broker,
                    wanted=wanted,
                    chosen=ids,
                    by=audit.actor(request),
                    scope=scope,
                    even_full=choice.even_full,
                )
                return context | {"operation": begun}, 200
            except Refusal as error:
                context |= {"refusal": error.text, "fields": error.fields}
                status = error.status
        context["plan"] = showing.planned(restoring.steps(broker, wanted, scope=scope), ticked)
    except RabbitError as error:
        context["fault"], status = live_fault(error), 503
    return context, status
