"""Track a dead-letter queue, and stop tracking it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.deadletters.capture import tracking
from mqadmin.queues.models import Queue


@permissions.configure
@require_POST
def queue_track(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Capture the letters of a dead-letter queue from now on; with `force` also where another program consumes."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.track(queue=queue, by=audit.actor(request), force=request.POST.get("force") == "yes")
    text = _("%(queue)s is tracked: its letters arrive in the inbox.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))


@permissions.configure
@require_POST
def queue_untrack(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Stop capturing; what is stored stays."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.untrack(queue=queue, by=audit.actor(request))
    text = _("%(queue)s is no longer tracked. Letters that are stored stay.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))
