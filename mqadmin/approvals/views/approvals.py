"""Acts that wait for a second person: the list, one of them, and what is decided about it."""

from __future__ import annotations

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
from mqadmin.rabbit.errors import ConfigurationError

PER_PAGE = 50


@permissions.view
@require_GET
def approval_list(request: HttpRequest) -> HttpResponse:
    """What waits first, then what was decided: of the broker that is shown, or of all."""
    rows = Approval.objects.filter(broker__in=brokers.within(brokers.scope(request)))
    waits = Q(status=Approval.Status.WAITING, expires_at__gt=timezone.now())
    first = Case(When(waits, then=0), default=1, output_field=IntegerField())
    page = Paginator(rows.order_by(first, "-id"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [showing.row(item, request.user) for item in page]}
    return rendering.page(request, "approvals/list.html", context, fragment="approvals/_list.html")


@permissions.view
@require_GET
def approval_detail(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Who asked for what, what it would do, until when it waits; what became of it."""
    approval = _find(approval_id)
    brokers.show(request, approval.broker)
    context = showing.detail(approval, request.user) | {"must_type": _must_type(approval)}
    return rendering.page(request, "approvals/detail.html", context, fragment="approvals/_detail.html")


@permissions.operate
@require_POST
def approval_approve(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Agree, and have it done."""
    approval = _find(approval_id)
    _require_typed(request, approval)
    deciding.approve(approval=approval, user=request.user, by=audit.actor(request), seen=_seen(request))
    return _there(request, approval, approval.result)


@permissions.operate
@require_POST
def approval_alone(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Go ahead without a second person, as who asked, in an emergency."""
    approval = _find(approval_id)
    _require_typed(request, approval)
    deciding.go_alone(
        approval=approval,
        user=request.user,
        by=audit.actor(request),
        reason=request.POST.get("reason", ""),
        seen=_seen(request),
    )
    return _there(request, approval, approval.result)


@permissions.operate
@require_POST
def approval_refuse(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Say no, and why."""
    approval = _find(approval_id)
    reason = request.POST.get("reason", "")
    closing.refuse(approval=approval, user=request.user, by=audit.actor(request), reason=reason)
    return _there(request, approval, _("Refused. %(who)s can read why.") % {"who": approval.asked_by})


@permissions.view
@require_POST
def approval_take_back(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Want it no more."""
    approval = _find(approval_id)
    closing.take_back(approval=approval, user=request.user, by=audit.actor(request))
    return _there(request, approval, _("Taken back: nothing was done."))


def _find(approval_id: int) -> Approval:
    return get_object_or_404(Approval.objects.select_related("operation"), pk=approval_id)


def _there(request: HttpRequest, approval: Approval, text: str) -> HttpResponse:
    return rendering.moved(request, reverse("approval_detail", args=[approval.pk]), text)


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
