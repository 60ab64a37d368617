"""Owner, note, thresholds and mute of one queue."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import duration
from mqadmin.queues.acts import settling
from mqadmin.queues.acts.settling import Wanted
from mqadmin.queues.forms.settle import QueueForm
from mqadmin.queues.views.queue import base, find
from mqadmin.rabbit.numbers import whole

LONGEST_HOURS = 24 * 31


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def queue_settle(request: HttpRequest, queue_id: int) -> HttpResponse:
    """A form with all of it. What the standing rules say too is no setting of the queue's own."""
    queue = find(queue_id)
    form = QueueForm(request.POST) if request.method == "POST" else QueueForm.of(queue, settling.stamp(queue))
    status = 200
    if form.is_bound and form.is_valid():
        wanted = Wanted(
            owner=form.cleaned_data["owner"],
            note=form.cleaned_data["note"],
            thresholds=form.thresholds,
            muted_until=form.cleaned_data["muted_until"],
        )
        try:
            settling.settle(
                queue=queue, wanted=wanted, by=audit.actor(request), seen=form.cleaned_data["seen"]
            )
        except Refusal as refusal:
            form.blame(refusal)
            status = refusal.status
        else:
            text = _("The settings of %(queue)s are saved.") % {"queue": queue.name}
            return rendering.moved(request, reverse("queue_detail", args=[queue.pk]), text)
    context = base(queue) | {"form": form}
    return rendering.page(request, "queues/settle.html", context, status=422 if form.errors else status)


@permissions.operate.of("rows")
@require_POST
def queue_mute(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Mute a queue for so many `hours` from now; 0 ends its mute."""
    queue = find(queue_id)
    hours = whole(request.POST.get("hours", ""))
    if hours is None or hours > LONGEST_HOURS:
        text = _("Say for how many hours, at most %(n)d.") % {"n": LONGEST_HOURS}
        raise Refusal(text, "invalid", status=422)
    until = timezone.now() + timedelta(hours=hours) if hours else None
    settling.settle(queue=queue, wanted=Wanted(muted_until=until), by=audit.actor(request))
    text = _("%(queue)s is muted for %(time)s.") if hours else _("%(queue)s is not muted any more.")
    said = text % {"queue": queue.name, "time": duration(hours * 3600)}
    return rendering.acted(request, said, to=reverse("queue_detail", args=[queue.pk]))
