"""Parts of the form that defines a consumer, as it is being filled in: asked for by its script."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consumers.definitions import presets
from consumers.forms import draft
from consumers.forms.definition import ConsumerForm
from consumers.models import Consumer
from consumers.views.edit import typed
from mqadmin.core import permissions
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.models import Queue

OFFERED = 12  # names at a time
LONGEST = 255  # of what is typed


@permissions.configure.of("rows")
@require_GET
def consumer_deadline(request: HttpRequest) -> HttpResponse:
    """What stands beside the deadline."""
    form = ConsumerForm(initial=request.GET.dict())
    return rendering.page(request, "consumers/_deadline.html", {"form": form})


@permissions.configure.of("rows")
@require_POST
def consumer_summary(request: HttpRequest) -> HttpResponse:
    """What the consumer will do, in a sentence. A POST, as what is typed may be a secret; nothing is stored."""
    form = ConsumerForm(request.POST, instance=_instance(request))
    return render(request, "consumers/_summary.html", {"draft": draft.of(form)})


@permissions.configure.of("rows")
@require_POST
def consumer_fill(request: HttpRequest) -> HttpResponse:
    """The settings below the handler, as the chosen preset has them. Nothing is stored."""
    form = ConsumerForm(initial=typed(request, fill=True), instance=_instance(request))
    context = {
        "form": form,
        "draft": draft.of(form),
        "presets": presets.ALL,
        "preset": draft.preset(form),
        "is_fragment": True,
    }
    response = render(request, "consumers/_settings.html", context)
    # The change of the preset itself asks for a summary too, of what stood there before: this one comes after it.
    rendering.add_event(response, "filled", {})
    return response


def _instance(request: HttpRequest) -> Consumer | None:
    """The consumer that is being changed, None for a new one."""
    return Consumer.objects.filter(name=request.GET.get("of", "")).first()


@permissions.configure.of("rows")
@require_GET
def consumer_offers(request: HttpRequest, kind: str) -> HttpResponse:
    """Names of queues, or of virtual hosts, that have what is typed (`q`) in them: those that begin so first."""
    asked = request.GET.get("q", "")[:LONGEST]
    rows = Queue.objects.filter(broker__slug=request.GET.get("broker", ""), gone_at=None).exclude(
        type="stream"
    )
    if kind == "vhost":
        names = rows.order_by("vhost").values_list("vhost", flat=True).distinct()
        offers = [(name, "") for name in names if asked.casefold() in name.casefold()]
    else:
        found = rows.filter(vhost=request.GET.get("vhost", "")).order_by("name")
        begin = found.filter(name__istartswith=asked)
        other = found.filter(name__icontains=asked).exclude(name__istartswith=asked)
        columns = ("name", "type", "ready")
        values = list(begin.values_list(*columns)[:OFFERED])
        values += other.values_list(*columns)[: OFFERED - len(values)]
        about = _("%(type)s, %(n)s ready")
        offers = [(name, about % {"type": kind, "n": number(ready)}) for name, kind, ready in values]
    answer = render(request, "consumers/_offers.html", {"kind": kind, "offers": offers[:OFFERED]})
    answer["Cache-Control"] = "private, max-age=10"
    return answer
