"""The core's pages: operations, the audit log, search, theme, health of the process itself."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import get_script_prefix, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from mqadmin.core import brokers, hooks, permissions, tones
from mqadmin.core.acts import audit, operations, progress
from mqadmin.core.backups import notice
from mqadmin.core.models import AuditEntry, Operation, Restored
from mqadmin.core.pages import once, rendering, shared
from mqadmin.core.pages.context import THEME_COOKIE, THEMES, frame
from mqadmin.core.pages.forms import AuditFilter
from mqadmin.rabbit.errors import ConfigurationError

YEAR_S = 365 * 24 * 3600
MIN_QUERY = 2


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """200 while this process and the database answer, else 503. Needs no sign-in; tells nothing else."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database unavailable"}, status=503)
    return JsonResponse({"status": "ok"})


@login_not_required
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or auto in a cookie, and return to the page."""
    chosen = request.POST.get("theme", "")
    response = redirect(rendering.next_address(request, get_script_prefix()))
    response.set_cookie(
        THEME_COOKIE,
        chosen if chosen in THEMES else "auto",
        max_age=YEAR_S,
        path=settings.SESSION_COOKIE_PATH,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Remember the language in a cookie, and return to the page; any other word: as the browser asks for."""
    chosen = request.POST.get("language", "")
    response = redirect(rendering.next_address(request, get_script_prefix()))
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            path=settings.SESSION_COOKIE_PATH,
            samesite="Lax",
            secure=request.is_secure(),
        )
    else:
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME, path=settings.SESSION_COOKIE_PATH)
    return response


@permissions.view.of("rows")
@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """The parts of the frame that change: the sidebar's numbers and the age of the sample."""
    with once.reading():
        seen = frame(request)
        answer = shared.answer(request, "core/_live.html", lambda: {"frame": seen}, seen)
        return answer or rendering.page(request, "core/_live.html", {"frame": seen})


@permissions.view.of("rows")
@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """Search across queues, letters and consumers; a page without script, a list in a dialog with it."""
    q = request.GET.get("q", "").strip()
    hits = []
    if len(q) >= MIN_QUERY:
        try:
            hits = hooks.find(q, brokers.current(request))
        except ConfigurationError:
            hits = hooks.find(q, "")
    context = {"q": q, "hits": hits, "too_short": len(q) < MIN_QUERY}
    return rendering.page(request, "core/find.html", context, fragment="core/_hits.html")


@permissions.view.of("rows")
@require_GET
def operation_list(request: HttpRequest) -> HttpResponse:
    """Every bulk act, newest first."""
    page = Paginator(Operation.objects.all(), 50).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [_row(operation) for operation in page]}
    return rendering.page(request, "core/operations.html", context, fragment="core/_operations.html")


@permissions.view.of("rows")
@require_GET
def operation_detail(request: HttpRequest, operation_id: int) -> HttpResponse:
    """One operation: how far it is, what it could not do."""
    operation = get_object_or_404(Operation, pk=operation_id)
    problems = Paginator(operation.problems.all(), 100).get_page(request.GET.get("page"))
    context = {"problems": problems, "more": hooks.operation_page(operation), **_row(operation)}
    return rendering.page(request, "core/operation.html", context, fragment="core/_operation.html")


def _row(operation: Operation) -> dict[str, Any]:
    """Return what a template shows of an operation."""
    return {
        "operation": operation,
        "tone": "blue" if operation.is_in_phase else tones.OPERATION[operation.status],
        "rate": progress.rate(operation),
        "eta": progress.eta_seconds(operation),
        "handled": operation.done + operation.failed,
        "is_open": operation.status in Operation.OPEN,
        "seconds": _seconds(operation),
    }


def _seconds(operation: Operation) -> float | None:
    if operation.started_at is None:
        return None
    return ((operation.finished_at or timezone.now()) - operation.started_at).total_seconds()


@permissions.operate.of("rows")
@require_POST
def operation_change(request: HttpRequest, operation_id: int, change: str) -> HttpResponse:
    """Pause, resume or cancel one operation."""
    operation = get_object_or_404(Operation, pk=operation_id)
    by = audit.actor(request)
    if change == "pause":
        operations.pause(operation=operation, by=by)
        text = _("Paused after the batch in hand.")
    elif change == "resume":
        operations.resume(operation=operation, by=by)
        text = _("Going on.")
    else:
        operations.cancel(operation=operation, by=by)
        text = _("Cancelled. What is done stays done.")
    return rendering.acted(request, text, to=reverse("operation_detail", args=[operation.pk]))


@permissions.operate
@require_POST
def restored_dismiss(request: HttpRequest, restored_id: int) -> HttpResponse:
    """Say that one knows what a restored database does not."""
    restored = get_object_or_404(Restored, pk=restored_id)
    notice.dismiss(restored=restored, by=audit.actor(request))
    return redirect(rendering.next_address(request, get_script_prefix()))


@permissions.view.of("rows")
@require_GET
def audit_list(request: HttpRequest) -> HttpResponse:
    """Who did what, filtered by who, what and since when."""
    form = AuditFilter(request.GET)
    rows = form.apply(AuditEntry.objects.all())
    page = Paginator(rows, 100).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "is_filtered": form.is_filtered}
    return rendering.page(request, "core/audit.html", context, fragment="core/_audit.html")
