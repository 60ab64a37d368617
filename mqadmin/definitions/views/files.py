"""Definitions as files: downloaded, with or without what only admins may have, and imported."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.definitions.acts import exporting, sources
from mqadmin.definitions.acts.planning import Scope
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.forms import restore as forms
from mqadmin.definitions.keeping import versions
from mqadmin.definitions.views.restore import carried_out, going_on
from mqadmin.queues.pages.broker_status import is_production


@permissions.view.of("broker")
@require_GET
def definitions_export(request: HttpRequest) -> HttpResponse:
    """Which of the two files, and of which virtual host."""
    broker = brokers.current(request)
    permissions.about(request, broker)
    newest = versions.newest(broker)
    names = sources.vhosts_of(versions.objects(newest)) if newest is not None else []
    context = {
        "broker": broker,
        "vhosts": names[:500],
        "must_type": is_production(broker) if broker else False,
    }
    return rendering.page(request, "definitions/export.html", context)


@permissions.view.of("broker")
@require_GET
def definitions_download(request: HttpRequest) -> HttpResponse:
    """A file that RabbitMQ imports: of a version, or as it is now; without password hashes and other secrets."""
    broker = _broker(request)
    source = sources.found(request.GET.get("version", sources.NOW), broker)
    vhost = request.GET.get("vhost") or None
    return _file(sources.exported(source, vhost=vhost), source.broker, source.at)


@permissions.configure.of("broker")
@require_POST
def definitions_download_all(request: HttpRequest) -> HttpResponse:
    """The same with password hashes; audited. The broker's name is typed where in production."""
    broker = _broker(request)
    forms.check_typed(request.POST.get("typed", ""), broker, is_needed=is_production(broker))
    vhost = request.POST.get("vhost") or None
    told = exporting.with_secrets(broker=broker, vhost=vhost, by=audit.actor(request))
    return _file(told, broker, timezone.now())


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def definitions_import(request: HttpRequest) -> HttpResponse:
    """A file first says what it would do; then what is ticked of it is done. Nothing of it is kept meanwhile."""
    broker = _broker(request)
    context: dict[str, Any] = {
        "broker": broker,
        "vhost": request.POST.get("vhost", ""),
        "plan": None,
        "refusal": "",
        "fields": {},
        "must_type": is_production(broker),
    }
    status = 200
    if request.method == "POST":
        try:
            wanted, scope = _wanted(request)
            filled, status = carried_out(
                request, broker, wanted, scope, only_plan=bool(request.POST.get("check"))
            )
            if begun := filled.get("operation"):
                return going_on(request, begun)
            context |= filled
        except Refusal as error:
            context |= {"refusal": error.text, "fields": error.fields}
            status = error.status
    return rendering.page(
        request, "definitions/import.html", context, fragment="definitions/_plan.html", status=status
    )


def _wanted(request: HttpRequest) -> tuple[Wanted, Scope]:
    given = request.FILES.get("file")
    if given is None:
        text = _("Choose a file.")
        raise Refusal(text, "invalid", status=422, fields={"file": text})
    vhost = request.POST.get("vhost") or None
    told = sources.parsed(given.read(sources.LARGEST_FILE + 1))
    read = sources.of_document(told, vhost=vhost)
    return Wanted(read.objects, f"file {str(given.name)[:80]}"), Scope(vhost=vhost)


def _broker(request: HttpRequest) -> str:
    broker = request.POST.get("broker", "") or brokers.current(request)
    if not broker:
        raise Refusal(_("No broker is configured."), "no_broker")
    return brokers.config(broker).slug


def _file(told: dict[str, Any], broker: str, at: Any) -> HttpResponse:
    response = JsonResponse(told, json_dumps_params={"indent": 2, "ensure_ascii": False, "sort_keys": True})
    name = f"definitions-{broker}-{timezone.localtime(at):%Y-%m-%dT%H-%M-%S}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    return response
