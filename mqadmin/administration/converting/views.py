"""The pages of a conversion: the plan before, how far it is, going on and undoing."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.converting import acting, planning, stages, words
from mqadmin.administration.converting.forms import ConvertForm, QuietForm
from mqadmin.administration.listed.naming import asked
from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers, patience, permissions, tones
from mqadmin.core.acts import audit, progress
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages import prose, rendering
from mqadmin.queues.models import Queue
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.queues.views.queue import find
from mqadmin.rabbit.errors import RabbitError


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def queue_convert(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Show what a conversion would do, in words, and begin it."""
    queue = find(queue_id)
    # It is bound anew, and deleted for a moment: what publishes to it is of the virtual host.
    permissions.require(queue.broker.slug, queue.vhost)
    brokers.show(request, queue.broker.slug)
    try:
        with patience.asking(queue.broker.slug):
            plan = planning.plan(queue)
    except RabbitError as error:
        title, text, more = live_fault(error)
        return deciding.decide(
            request, _dialog(queue, prose.paragraph((prose.ended(title), text, more))), _nothing
        )

    def act(form: ConvertForm) -> tuple[str, str]:
        operation = acting.convert(queue=queue, by=audit.actor(request), **form.values)
        return reverse("conversion_detail", args=[operation.pk]), _("The conversion has begun.")

    waits = gate.warning(acting.ACTION, queue.broker.slug, Size(plan.ready, 1), audit.actor(request))
    dialog = replace(_dialog(queue, prose.paragraph(plan.stops)), waits=waits)
    return deciding.decide(request, dialog, act, partial(ConvertForm, plan=plan))


def _nothing(_form: Any) -> tuple[str, str]:
    raise AssertionError("what is refused is not done")


def _dialog(queue: Queue, refused: str) -> Dialog:
    return Dialog(
        action=acting.ACTION,
        broker=queue.broker.slug,
        title=_("Convert %(name)s to a quorum queue") % {"name": queue.name},
        says=[],
        label=_("Begin"),
        back=reverse("queue_detail", args=[queue.pk]),
        back_label=queue.name,
        subject=queue.name,
        icon="transfer",
        refused=refused and _("It cannot be converted now. %(why)s") % {"why": refused},
        form_template="administration/_convert_fields.html",
    )


@permissions.configure.of("rows")
@require_GET
def queue_convert_named(request: HttpRequest) -> HttpResponse:
    """Lead to the conversion of a queue that is known by its names alone."""
    vhost, name = asked(request, "vhost", "name")
    row = Queue.objects.filter(
        broker__slug=brokers.current(request), vhost=vhost, name=name, gone_at__isnull=True
    ).first()
    if row is None:
        raise Refusal(_("mqadmin has not seen this queue yet, or it is gone."), "not_found", status=404)
    return redirect("queue_convert", queue_id=row.pk)


def conversion(operation_id: int) -> Operation:
    """Return the operation of an address. Raises Http404, PermissionDenied for who may not do so with its vhost."""
    found = get_object_or_404(Operation, pk=operation_id, kind=stages.KIND)
    permissions.require(found.broker, found.params["vhost"])
    return found


@permissions.view.of("rows")
@require_GET
def conversion_detail(request: HttpRequest, operation_id: int) -> HttpResponse:
    """Its steps, how many messages are in which queue, what failed and why, and what can be done."""
    operation = conversion(operation_id)
    permissions.about(request, operation.broker, operation.params["vhost"])
    newer = stages.newer(operation)
    row = Queue.objects.filter(
        broker__slug=operation.broker,
        vhost=operation.params["vhost"],
        name=operation.params["name"],
        gone_at__isnull=True,
    ).first()
    context = {
        "operation": operation,
        "name": operation.params["name"],
        "vhost": operation.params["vhost"],
        "queue": row,
        "is_undoing": stages.is_undoing(operation),
        "steps": words.steps(operation),
        "places": [] if newer else [(item, words.place(item)) for item in stages.places(operation)],
        "newer": newer,
        "is_open": operation.status in Operation.OPEN,
        "may_go_on": stages.may_go_on(operation),
        "may_undo": stages.may_undo(operation),
        "problems": operation.problems.all()[:20],
        "go_on_does": words.go_on_does(operation),
        "undo_does": words.undo_does(operation),
        "tone": tones.OPERATION[operation.status],
        "eta": progress.eta_seconds(operation),
        "rate": progress.rate(operation),
    }
    return rendering.page(
        request, "administration/conversion.html", context, fragment="administration/_conversion.html"
    )


@permissions.configure.of("rows")
@require_POST
def conversion_go_on(request: HttpRequest, operation_id: int) -> HttpResponse:
    """Begin again at the step where it ended."""
    operation = acting.go_on(operation=conversion(operation_id), by=audit.actor(request))
    return rendering.moved(request, reverse("conversion_detail", args=[operation.pk]), _("It goes on."))


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def conversion_undo(request: HttpRequest, operation_id: int) -> HttpResponse:
    """Say what undoing does, and begin it."""
    operation = conversion(operation_id)
    brokers.show(request, operation.broker)
    dialog = Dialog(
        action=acting.UNDO,
        broker=operation.broker,
        title=_("Undo the conversion of %(name)s") % {"name": operation.params["name"]},
        says=[words.undo_does(operation)],
        label=_("Undo it"),
        back=reverse("conversion_detail", args=[operation.pk]),
        back_label=_("The conversion"),
        subject=operation.params["name"],
        icon="arrow-back-up",
        waits=gate.warning(acting.UNDO, operation.broker, Size(operation.total, 1), audit.actor(request)),
    )

    def act(form: QuietForm) -> tuple[str, str]:
        undone = acting.undo(operation=operation, by=audit.actor(request), **form.values)
        return reverse("conversion_detail", args=[undone.pk]), _("It is being undone.")

    return deciding.decide(request, dialog, act, QuietForm)
