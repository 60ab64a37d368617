"""The channels: list, form, test."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.alerts.acts import channels
from mqadmin.alerts.forms.channel import ChannelForm
from mqadmin.alerts.forms.fields import blame
from mqadmin.alerts.models import Channel, Delivery
from mqadmin.alerts.pages import channels as pages
from mqadmin.alerts.rules import variables
from mqadmin.core import permissions, wording
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering


@permissions.view
@require_GET
def channel_list(request: HttpRequest) -> HttpResponse:
    """Every channel: whether it can send, what it is told of, what it sent last and what failed last."""
    context = {"rows": pages.rows(), "examples": pages.EXAMPLES}
    return rendering.page(request, "alerts/channels.html", context, fragment="alerts/_channels.html")


@permissions.configure
@require_http_methods(["GET", "POST"])
def channel_new(request: HttpRequest) -> HttpResponse:
    """Make a channel."""
    if request.method == "GET":
        return _show(request, ChannelForm())
    return _save(request, ChannelForm(request.POST), None)


@permissions.configure
@require_http_methods(["GET", "POST"])
def channel_edit(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Change a channel."""
    channel = get_object_or_404(Channel, pk=channel_id)
    if request.method == "GET":
        return _show(request, ChannelForm(channel=channel))
    return _save(request, ChannelForm(request.POST, channel=channel), channel)


def _save(request: HttpRequest, form: ChannelForm, channel: Channel | None) -> HttpResponse:
    if form.is_valid():
        by = audit.actor(request)
        try:
            if channel is None:
                channels.create(by=by, **form.cleaned_data)
            else:
                channels.change(by=by, channel=channel, **form.cleaned_data)
        except Refusal as refusal:
            blame(form, refusal.fields, refusal.text)
        else:
            text = _("Saved. Send a test to see whether it arrives.")
            return rendering.moved(request, reverse("channel_list"), text)
    return _show(request, form, status=422)


@permissions.configure
@require_POST
def channel_switch(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Switch a channel on (`on=1`) or off."""
    channel = get_object_or_404(Channel, pk=channel_id)
    is_on = request.POST.get("on") == "1"
    channels.switch(channel=channel, is_on=is_on, by=audit.actor(request))
    values = {"name": channel.name}
    text = _("“%(name)s” is on.") % values if is_on else _("“%(name)s” is off: it is told nothing.") % values
    return rendering.moved(request, reverse("channel_list"), text)


@permissions.configure
@require_POST
def channel_test(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Have the monitor send a test, and say what the service answered."""
    delivery = channels.test(channel=get_object_or_404(Channel, pk=channel_id), by=audit.actor(request))
    values = {"name": delivery.channel_name, "answer": wording.worded(delivery.answer)}
    if delivery.state == Delivery.State.SENT:
        text, level = _("The test to “%(name)s” was sent. Answer: %(answer)s") % values, "success"
    elif delivery.state in Delivery.OPEN:
        text = (
            _("The monitor has the test to “%(name)s” in hand, and no answer yet: see what was sent.")
            % values
        )
        level = "warning"
    else:
        text, level = _("The test to “%(name)s” was not sent: %(answer)s") % values, "error"
    return rendering.acted(request, text, to=reverse("channel_list"), level=level)


@permissions.configure
@require_POST
def channel_delete(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Delete a channel; what it sent stays in the history."""
    channels.delete(channel=get_object_or_404(Channel, pk=channel_id), by=audit.actor(request))
    return rendering.moved(request, reverse("channel_list"), _("The channel is deleted."))


def _show(request: HttpRequest, form: ChannelForm, *, status: int = 200) -> HttpResponse:
    name = str(form["variable"].value() or "")
    context = {
        "form": form,
        "channel": form.channel,
        "known": variables.known(),
        "examples": pages.EXAMPLES,
        "is_set": variables.is_set(name) if name else None,
    }
    return rendering.page(request, "alerts/channel.html", context, status=status)
