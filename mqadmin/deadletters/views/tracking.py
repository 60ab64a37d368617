"""Track a dead-letter queue, and stop tracking it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.deadletters.capture import tracking
from mqadmin.queues.acts import many
from mqadmin.queues.models import Queue
from mqadmin.queues.views.many import Question, ask


@permissions.configure.of("rows")
@require_POST
def queue_track(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Capture the letters of a dead-letter queue from now on; with `force` also where another program consumes."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.track(queue=queue, by=audit.actor(request), force=request.POST.get("force") == "yes")
    text = _("%(queue)s is tracked: its letters arrive in the inbox.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))


@permissions.configure.of("rows")
@require_POST
def queue_untrack(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Stop capturing; what is stored stays."""
    queue = get_object_or_404(Queue.objects.select_related("broker"), pk=queue_id)
    tracking.untrack(queue=queue, by=audit.actor(request))
    text = _("%(queue)s is no longer tracked. Letters that are stored stay.") % {"queue": queue.name}
    return rendering.acted(request, text, to=reverse("queue_detail", args=[queue.pk]))


TRACK = Question(
    "queues_track",
    lambda count: ngettext("Track %(n)s queue", "Track %(n)s queues", count) % {"n": number(count)},
    lambda _held: _(
        "Their letters are taken out of them and stored. Queues that cannot be tracked are told."
    ),
    lambda queues, _form, by, seen: many.start(act="track", chosen=queues, by=by, seen=seen),
)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def queues_track(request: HttpRequest) -> HttpResponse:
    """Capture the letters of many dead-letter queues from now on."""
    return ask(request, TRACK)
