"""The form that defines a consumer, new or changed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import BooleanField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from consumers.definitions import copying, definitions, presets, versions
from consumers.files import truth
from consumers.forms import draft
from consumers.forms.definition import ConsumerForm
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose, rendering
from mqadmin.queues.models import Queue

KNOWN = 200  # queues that are offered without script; with it, all that have what is typed in their names


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_new(request: HttpRequest) -> HttpResponse:
    """Define a consumer. GET takes the fields' first values from the address; its fragment are the choices.

    Without script: `refresh` shows the options of the handler that was chosen, `fill` the settings of a preset.
    """
    if request.method == "GET":
        return _show(request, ConsumerForm(initial=_initial(request)))
    if "refresh" in request.POST or "fill" in request.POST:
        return _show(request, ConsumerForm(initial=typed(request, fill="fill" in request.POST)))
    return _created(request)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_duplicate(request: HttpRequest, name: str) -> HttpResponse:
    """Define a consumer like another: the form with its settings and a free name. The copy is stopped."""
    consumer = get_object_or_404(Consumer, name=name)
    definitions.refuse_collector(consumer)
    if request.method == "GET":
        fields = {field: getattr(consumer, field) for field in definitions.FIELDS}
        chosen = {field: request.GET[field] for field in ("broker", "handler") if field in request.GET}
        initial = {**fields, "name": copying.free_name(name), **chosen}
        return _show(request, ConsumerForm(initial=initial), copy_of=name)
    if "refresh" in request.POST or "fill" in request.POST:
        shown = typed(request, fill="fill" in request.POST)
        return _show(request, ConsumerForm(initial=shown), copy_of=name)
    return _created(request, copy_of=name)


def _created(request: HttpRequest, *, copy_of: str = "") -> HttpResponse:
    """Define what the form says; a copy is not started."""
    form = ConsumerForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=422, copy_of=copy_of)
    by, name = audit.actor(request), form.cleaned_data["name"]
    try:
        consumer = (
            definitions.copy(by=by, name=name, of=copy_of, **form.definition)
            if copy_of
            else definitions.create(by=by, name=name, **form.definition)
        )
        text = _("%(name)s is defined.") % {"name": name}
        if copy_of:
            text = _("%(name)s is defined, and stopped.") % {"name": name}
        elif "start" in request.POST:
            definitions.start(consumer=consumer, by=by)
            text = _("%(name)s is defined and starting.") % {"name": name}
    except Refusal as refusal:
        return _refused(request, form, refusal, copy_of=copy_of)
    _warn(request, consumer)
    return rendering.moved(request, reverse("consumer_detail", args=[name]), text)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_edit(request: HttpRequest, name: str) -> HttpResponse:
    """Change a definition. Processes that run go on with what they started with."""
    consumer = get_object_or_404(Consumer, name=name)
    if request.method == "GET":
        chosen = {"handler": request.GET["handler"]} if "handler" in request.GET else {}
        return _show(request, ConsumerForm(instance=consumer, initial=chosen))
    if "refresh" in request.POST or "fill" in request.POST:
        shown = typed(request, fill="fill" in request.POST)
        return _show(request, ConsumerForm(instance=consumer, initial=shown))
    before = versions.seen(consumer)
    form = ConsumerForm(request.POST, instance=Consumer.objects.get(pk=consumer.pk))
    if not form.is_valid():
        return _show(request, form, status=422)
    if form.cleaned_data["seen"] not in ("", before):
        text = _("Somebody else has changed it since you opened this page. Look at it again, then save.")
        return _refused(request, form, definitions.Conflict(text, "changed_meanwhile"))
    try:
        definitions.update(consumer=consumer, by=audit.actor(request), **form.definition)
    except Refusal as refusal:
        return _refused(request, form, refusal)
    _warn(request, consumer)
    return rendering.moved(request, reverse("consumer_detail", args=[name]), _("Saved."))


def typed(request: HttpRequest, *, fill: bool) -> dict[str, Any]:
    """Return what stands in a form that was sent, to be shown again; `fill`: with the settings of the preset."""
    found: dict[str, Any] = request.POST.dict()
    for field in Consumer._meta.concrete_fields:
        if isinstance(field, BooleanField):
            found[field.name] = field.name in request.POST  # a box that is not ticked is not sent
    found["options"] = ConsumerForm(request.POST).options_form.values
    preset = presets.get(request.POST.get("preset", "")) if fill else None
    return {**found, **preset.fields} if preset is not None else found


def _is_in_file(consumer: Consumer) -> bool:
    found = truth.read()
    return found is not None and consumer.name in found.entries


def _warn(request: HttpRequest, consumer: Consumer) -> None:
    """Say on the next page what the form says beside an option, which is left behind now."""
    for name, text in registry.warnings(consumer.handler, consumer.options).items():
        label = registry.labels(consumer.handler).get(name, name)
        messages.warning(request, prose.labelled(label, text))


def _refused(
    request: HttpRequest, form: ConsumerForm, refusal: Refusal, *, copy_of: str = ""
) -> HttpResponse:
    """Show the form as it was typed, with the reason."""
    form.add_error(None, refusal.text)
    return _show(request, form, status=refusal.status, copy_of=copy_of)


def _initial(request: HttpRequest) -> dict[str, Any]:
    """Take what the address says; a consumer for a queue is first named after it."""
    found: dict[str, Any] = {
        name: request.GET[name]
        for name in ("name", "broker", "vhost", "queue", "handler")
        if name in request.GET
    }
    found.setdefault("broker", brokers.current(request))
    if found["broker"] in brokers.configs():
        found.setdefault("vhost", brokers.config(found["broker"]).default_vhost)
    if found.get("queue") and not found.get("name"):
        found["name"] = slugify(found["queue"].replace(".", "-").replace("/", "-"))[:60]
    return found


def _show(request: HttpRequest, form: ConsumerForm, *, status: int = 200, copy_of: str = "") -> HttpResponse:
    broker = form.chosen_broker
    known = Queue.objects.filter(broker__slug=broker, gone_at=None).exclude(type="stream")
    context = {
        "form": form,
        "consumer": None if form.is_new else form.instance,
        "copy_of": copy_of,
        "truth": truth.read(),
        "is_in_file": not form.is_new and _is_in_file(form.instance),
        "queues": known.order_by("name").values_list("name", flat=True).distinct()[:KNOWN],
        "vhosts": known.order_by("vhost").values_list("vhost", flat=True).distinct(),
        "handler_problems": registry.problems(),
        "draft": draft.of(form),
        "presets": presets.ALL,
        "preset": draft.preset(form),
    }
    return rendering.page(
        request, "consumers/form.html", context, fragment="consumers/_choices.html", status=status
    )
