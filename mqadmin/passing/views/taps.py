"""Taps: all of them, one that is live, started, stopped, kept."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.listed.naming import asked
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.passing.acts import replaying
from mqadmin.passing.acts import taps as acts
from mqadmin.passing.forms.tap import KeepForm, ReplayForm, TapForm
from mqadmin.passing.models import Seen, Tap
from mqadmin.passing.pages import taps as pages
from mqadmin.passing.tapping import words
from mqadmin.rabbit.numbers import whole

PER_PAGE = 30


@permissions.view.of("rows")
@require_GET
def tap_list(request: HttpRequest) -> HttpResponse:
    """Who looks at what, and what was kept; not what was seen."""
    broker = brokers.current(request)
    page = Paginator(Tap.objects.filter(broker=broker), PER_PAGE).get_page(request.GET.get("page"))
    context = {"broker": broker, "page": page, "rows": [pages.row(tap) for tap in page.object_list]}
    return rendering.page(request, "passing/list.html", context, fragment="passing/_list.html")


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def tap_new(request: HttpRequest) -> HttpResponse:
    """Start a tap on what the address names."""
    vhost, kind, name = asked(request, "vhost", "kind", "name")
    broker = brokers.current(request)
    permissions.require(broker, vhost, name if kind == Tap.Kind.QUEUE else None)
    said = {"name": name or _("the default exchange"), "vhost": vhost}
    title = _("Tap the queue %(name)s") if kind == Tap.Kind.QUEUE else _("Tap the exchange %(name)s")
    dialog = Dialog(
        action="tap.start",
        broker=broker,
        title=title % said,
        says=[
            _(
                "You see messages as they pass, live. They are copies: no consumer loses one, and nothing "
                "waits for you."
            ),
            words.cost(vhost),
        ],
        label=_("Start it"),
        back=f"{reverse('tap_list')}?broker={broker}",
        back_label=_("Taps"),
        subject=name or broker,
        danger=False,
        icon="eye",
    )

    def act(form: TapForm) -> tuple[str, str]:
        tap = acts.start(
            broker=broker, vhost=vhost, kind=kind, name=name, by=audit.actor(request), **form.values
        )
        return reverse("tap_detail", args=[tap.pk]), _("It starts.")

    return deciding.decide(request, dialog, act, TapForm)


@permissions.operate.of("rows")
@require_GET
def tap_detail(request: HttpRequest, tap_id: int) -> HttpResponse:
    """What passes, the newest first. `until`: held at that message, with a count of those that came since."""
    tap = get_object_or_404(Tap, pk=tap_id)
    brokers.show(request, tap.broker)
    permissions.about(request, tap.broker, tap.vhost, tap.of_queue)
    until = whole(request.GET.get("until", ""), 18)
    rows = Seen.objects.filter(tap=tap).defer("body", "properties", "headers")
    held = rows if until is None else rows.filter(pk__lte=until)
    before = whole(request.GET.get("before", ""), 18)
    if before is not None:
        held = held.filter(pk__lt=before)
    found = list(held[: pages.SHOWN + 1])
    context: dict[str, Any] = {
        "row": pages.row(tap),
        "tap": tap,
        "messages_seen": found[: pages.SHOWN],
        "older": found[pages.SHOWN - 1].pk if len(found) > pages.SHOWN else None,
        "until": until,
        "before": before,
        "newest": found[0].pk if found else 0,
        "newer": rows.filter(pk__gt=until).count() if until is not None else 0,
    }
    return rendering.page(request, "passing/tap.html", context, fragment="passing/_tap.html")


@permissions.operate.of("rows")
@require_GET
def tap_message(request: HttpRequest, tap_id: int, message_id: int) -> HttpResponse:
    """One message that was seen: its body, its headers."""
    message = get_object_or_404(Seen.objects.select_related("tap"), pk=message_id, tap_id=tap_id)
    brokers.show(request, message.tap.broker)
    permissions.about(request, message.tap.broker, message.tap.vhost, message.tap.of_queue)
    context = {
        "tap": message.tap,
        "row": pages.row(message.tap),
        "item": pages.shown(message),
        "message": message,
    }
    return rendering.page(request, "passing/message.html", context, fragment="passing/_message.html")


@permissions.operate.of("rows")
@require_POST
def tap_stop(request: HttpRequest, tap_id: int) -> HttpResponse:
    """End it now."""
    tap = get_object_or_404(Tap, pk=tap_id)
    acts.stop(tap=tap, by=audit.actor(request))
    return rendering.acted(request, _("It ends."), to=reverse("tap_detail", args=[tap.pk]))


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def tap_keep(request: HttpRequest, tap_id: int) -> HttpResponse:
    """Keep what it saw under a title."""
    tap = get_object_or_404(Tap, pk=tap_id)
    dialog = Dialog(
        action="tap.keep",
        broker=tap.broker,
        title=_("Keep what was seen"),
        says=[
            _(
                "The messages are kept until the set is let go. Without a title they go some hours after the end."
            )
        ],
        label=_("Keep it"),
        back=reverse("tap_detail", args=[tap.pk]),
        back_label=pages.called(tap),
        danger=False,
        icon="device-floppy",
    )

    def act(form: KeepForm) -> tuple[str, str]:
        acts.keep(tap=tap, by=audit.actor(request), **form.values)
        return reverse("tap_detail", args=[tap.pk]), _("It is kept.")

    return deciding.decide(request, dialog, act, KeepForm)


@permissions.operate.of("rows")
@require_POST
def tap_let_go(request: HttpRequest, tap_id: int) -> HttpResponse:
    """Keep a set no longer."""
    tap = get_object_or_404(Tap, pk=tap_id)
    acts.keep(tap=tap, title="", by=audit.actor(request))
    return rendering.acted(
        request, _("It is kept no longer, and goes in some hours."), to=reverse("tap_detail", args=[tap.pk])
    )


@permissions.operate.of("rows")
@require_http_methods(["GET", "POST"])
def tap_replay(request: HttpRequest, tap_id: int) -> HttpResponse:
    """Publish what it saw to a test queue."""
    tap = get_object_or_404(Tap, pk=tap_id)
    says = [
        _(
            "What was seen is published again, in its order, to a queue of the same virtual host, and confirmed."
        )
    ]
    if Seen.objects.filter(tap=tap, is_masked=True).exists():
        says.append(_("Masked fields were never stored: they are published as they are shown, hidden."))
    dialog = Dialog(
        action="tap.replay",
        broker=tap.broker,
        title=_("Replay to a test queue"),
        says=says,
        label=_("Replay"),
        back=reverse("tap_detail", args=[tap.pk]),
        back_label=pages.called(tap),
        subject=tap.name or tap.broker,
        danger=False,
        icon="send",
    )

    def act(form: ReplayForm) -> tuple[str, str]:
        operation = replaying.replay(tap=tap, by=audit.actor(request), **form.values)
        return reverse("operation_detail", args=[operation.pk]), _("It is on its way.")

    return deciding.decide(request, dialog, act, ReplayForm)
