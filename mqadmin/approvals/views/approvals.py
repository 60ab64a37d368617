"""Acts that wait for a second person: the list, one of them, and what is decided about it."""

from __future__ import annotations

from collections.abc import Callable

from django.core.paginator import Paginator
from django.db.models import Case, IntegerField, Q, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mqadmin.approvals.acts import closing, deciding
from mqadmin.approvals.gate.size import PRODUCTION
from mqadmin.approvals.models import Approval
from mqadmin.approvals.pages import showing
from mqadmin.core import brokers, permissions, unseen
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.rights import asking
from mqadmin.rabbit.errors import ConfigurationError, RabbitError

PER_PAGE = 50


@permissions.view.of("rows")
@require_GET
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits first, then what was decided: of the broker that is shown, or of all."""
    rows = Approval.objects.filter(broker__in=brokers.within(brokers.scope(request)))
    waits = Q(status=Approval.Status.WAITING, expires_at__gt=timezone.now())
    first = Case(When(waits, then=0), default=1, output_field=IntegerField())
    page = Paginator(rows.order_by(first, "-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [showing.row(item, request.user) for item in page]}
    return rendering.page(request, "approvals/list.html", context, fragment="approvals/_list.html")


@permissions.view.of("rows")
@require_GET
def approval_detail(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Who asked for what, what it would do, until when it waits; what became of it."""
    return _page(request, _find(approval_id))


@permissions.operate.of("rows")
@require_POST
def approval_approve(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Agree, and have it done."""

    def approve(approval: Approval) -> str:
        _require_typed(request, approval)
        by = audit.actor(request)
        return deciding.approve(approval=approval, user=request.user, by=by, seen=_seen(request)).result

    return _decided(request, approval_id, approve)


@permissions.operate.of("rows")
@require_POST
def approval_alone(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Go ahead without a second person, as who asked, in an emergency."""

    def go_alone(approval: Approval) -> str:
        _require_typed(request, approval)
        reason, by = request.POST.get("reason", ""), audit.actor(request)
        return deciding.go_alone(
            approval=approval, user=request.user, by=by, reason=reason, seen=_seen(request)
        ).result

    return _decided(request, approval_id, go_alone)


@permissions.operate.of("rows")
@require_POST
def approval_refuse(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Say no, and why."""

    def refuse(approval: Approval) -> str:
        reason, by = request.POST.get("reason", ""), audit.actor(request)
        closing.refuse(approval=approval, user=request.user, by=by, reason=reason)
        return _("Refused. %(who)s can read why.") % {"who": approval.asked_by}

    return _decided(request, approval_id, refuse)


@permissions.operate.of("rows")
@require_POST
def approval_take_back(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Want it no more."""

    def take_back(approval: Approval) -> str:
        closing.take_back(approval=approval, user=request.user, by=audit.actor(request))
        return _("Taken back: nothing was done.")

    return _decided(request, approval_id, take_back)


def _decided(request: HttpRequest, approval_id: int, decide: Callable[[Approval], str]) -> HttpResponse:
    """Decide, and show what became of it; where that is a no, say it above what is so now."""
    approval = _find(approval_id)
    try:
        text = decide(approval)
    except Refusal as refusal:
        return _page(request, _find(approval_id), fault=refusal.text, status=refusal.status)
    except RabbitError as error:
        return _page(request, _find(approval_id), fault=str(error), status=503)
    return rendering.moved(request, reverse("approval_detail", args=[approval.pk]), text)


def _page(request: HttpRequest, approval: Approval, *, fault: str = "", status: int = 200) -> HttpResponse:
    brokers.show(request, approval.broker)
    context = showing.detail(approval, request.user) | {"must_type": _must_type(approval), "fault": fault}
    return rendering.page(
        request, "approvals/detail.html", context, fragment="approvals/_detail.html", status=status
    )


def _find(approval_id: int) -> Approval:
    with asking.needing("view"):  # who may agree, or take it back, is for the act to say
        return get_object_or_404(Approval.objects.select_related("operation"), pk=approval_id)


def _seen(request: HttpRequest) -> int:
    """Return the version that was looked at; a form without one looked at nothing."""
    given = request.POST.get("seen", "")
    return int(given) if given.isdecimal() and len(given) < 10 else 0


def _must_type(approval: Approval) -> str:
    """Return what must be typed: the broker's name, where it is a production broker."""
    try:
        is_production = brokers.environment(approval.broker) == PRODUCTION
    except ConfigurationError:
        return ""
    return approval.broker if is_production else ""


def _require_typed(request: HttpRequest, approval: Approval) -> None:
    must_type = _must_type(approval)
    if must_type and not unseen.is_typed(request.POST.get("typed", ""), must_type):
        raise Refusal(_("Type the name of the broker exactly."), "invalid", status=422)
