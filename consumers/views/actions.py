"""The buttons of a consumer: each calls one service of `consumers.definitions` and says what will happen now."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from consumers.definitions import definitions
from consumers.models import Consumer
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering

Service = Callable[..., object]


@permissions.operate.of("rows")
@require_POST
def consumer_start(request: HttpRequest, name: str) -> HttpResponse:
    """Start it, or start at once what failed or waits to start again."""
    return _act(request, name, definitions.start, _("%(name)s is starting."))


@permissions.operate.of("rows")
@require_POST
def consumer_stop(request: HttpRequest, name: str) -> HttpResponse:
    """Stop it after what is in hand; a second time, kill it, unless `from` says that it was seen to run."""
    service = partial(definitions.stop, only_running="from" in request.GET)
    return _act(request, name, service, _("%(name)s finishes what is in hand, then stops."))


@permissions.operate.of("rows")
@require_POST
def consumer_pause(request: HttpRequest, name: str) -> HttpResponse:
    """Take no more messages."""
    return _act(request, name, definitions.pause, _("%(name)s takes no more messages."))


@permissions.operate.of("rows")
@require_POST
def consumer_resume(request: HttpRequest, name: str) -> HttpResponse:
    """Take messages again."""
    return _act(request, name, definitions.resume, _("%(name)s takes messages again."))


@permissions.operate.of("rows")
@require_POST
def consumer_restart(request: HttpRequest, name: str) -> HttpResponse:
    """Replace its processes one after another, or with `how=all` at once."""
    if request.GET.get("how") == "all":
        return _act(
            request,
            name,
            partial(definitions.restart, rolling=False),
            _("The processes of %(name)s are being replaced, all at once."),
        )
    return _act(
        request,
        name,
        definitions.restart,
        _("The processes of %(name)s are being replaced one after another."),
    )


@permissions.operate.of("rows")
@require_POST
def consumer_redeliver(request: HttpRequest, name: str) -> HttpResponse:
    """Give what is in hand back to the queue."""
    return _act(
        request, name, definitions.redeliver, _("%(name)s gives what it has in hand back to the queue.")
    )


@permissions.operate.of("rows")
@require_POST
def consumer_kill(request: HttpRequest, name: str) -> HttpResponse:
    """Kill its processes; what they have in hand returns to the queue."""
    return _act(request, name, definitions.kill, _("The processes of %(name)s are being killed."))


@permissions.operate.of("rows")
@require_POST
def consumer_scale(request: HttpRequest, name: str) -> HttpResponse:
    """Set the number of processes: `replicas`; where `from` says how many there were, only if that is still so."""
    consumer = get_object_or_404(Consumer, name=name)
    given = {**request.GET.dict(), **request.POST.dict()}
    try:
        replicas = int(given.get("replicas", ""))
        consumer.replicas = int(given.get("from", consumer.replicas))
    except ValueError:
        raise Refusal(_("How many processes? Enter a whole number."), "invalid", status=422) from None
    definitions.scale(consumer=consumer, by=audit.actor(request), replicas=replicas)
    text = ngettext(
        "%(name)s: %(n)d process from now on.", "%(name)s: %(n)d processes from now on.", replicas
    )
    return acted(request, consumer, text % {"name": name, "n": replicas})


@permissions.configure.of("rows")
@require_POST
def consumer_delete(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a stopped consumer. A collector goes when its queue is no longer tracked."""
    consumer = get_object_or_404(Consumer, name=name)
    definitions.refuse_collector(consumer)
    definitions.delete(consumer=consumer, by=audit.actor(request))
    return rendering.moved(request, reverse("consumer_list"), _("%(name)s is deleted.") % {"name": name})


def about(request: HttpRequest, consumer: Consumer) -> None:
    """Say that a page is about a consumer: its buttons are for who may do so with its queue."""
    permissions.about(request, consumer.broker, consumer.vhost, consumer.queue)


def _act(request: HttpRequest, name: str, service: Service, text: str) -> HttpResponse:
    consumer = get_object_or_404(Consumer, name=name)
    service(consumer=consumer, by=audit.actor(request))
    return acted(request, consumer, text % {"name": name})


def acted(request: HttpRequest, consumer: Consumer, text: str) -> HttpResponse:
    """Answer a button with `text`, on the page of `consumer`."""
    return rendering.acted(request, text, to=reverse("consumer_detail", args=[consumer.name]))
