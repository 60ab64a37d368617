"""The dialog before an act: what will happen in words, what it touches besides, its form; then the act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.effects import providers
from mqadmin.core import brokers
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import is_production, live_fault
from mqadmin.rabbit.errors import RabbitError

F = TypeVar("F", bound=ActForm)


@dataclass(frozen=True)
class Dialog:
    """What a dialog says.

    `action`: the act's name in the audit log, by which its effects are known; `says`: what will happen, in
    sentences; `label`: of the button; `back`: where one is led that decides against it; `subject`: what must be
    typed on a production broker, "" for nothing; `values`: what the service is called with besides the form, for
    the effects; `refused`: why it cannot be done at all, "" if it can; `form_template`: draws the form's own
    fields; `at_once`: what it touches does not depend on them, and is shown before any is filled in; `waits`:
    that a second person must agree, where its effects do not tell how large it is.
    """

    action: str
    broker: str
    title: str
    says: Sequence[str]
    label: str
    back: str
    back_label: str
    subject: str = ""
    danger: bool = True
    icon: str = "trash"
    values: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""
    form_template: str = "administration/_fields.html"
    at_once: bool = False
    waits: str = ""


def decide(
    request: HttpRequest,
    dialog: Dialog,
    act: Callable[[F], tuple[str, str] | HttpResponse],
    make: Callable[..., F] = ActForm,  # type: ignore[assignment]
) -> HttpResponse:
    """Show the dialog; on POST call `act(form)`, which returns where to go and what to say there, or an answer.

    `make(data, must_type=...)` makes the form. A Refusal stands beside the field that is to blame, a RabbitError
    above the form; nothing is lost of what was filled in. With effects that depend on the form, a second button
    (`look`) shows them without acting, and before anything is typed. Raises Refusal (409 `other_broker`) where the
    page was opened about another broker, ConfigurationError where the address names one that is not configured.
    """
    require_same(request, dialog.broker)
    must_type = dialog.subject if is_production(dialog.broker) else ""
    looks = "look" in request.POST
    form = make(request.POST if request.method == "POST" else None, must_type="" if looks else must_type)
    fault, status = None, 200
    if form.is_bound and form.is_valid() and not looks and not dialog.refused:
        try:
            done = act(form)
        except Refusal as refusal:
            form.blame(refusal)
            status = refusal.status
        except RabbitError as error:
            fault, status = live_fault(error), 503
        else:
            return done if isinstance(done, HttpResponse) else rendering.moved(request, *done)
    touched: list[Any] = []
    waits = dialog.waits
    try:
        if (values := _values(dialog, form)) is not None:
            touched = providers.panels(dialog.action, dialog.broker, values)
            waits = waits or _waits(dialog, values, audit.actor(request))
    except Refusal as refusal:  # what is filled in cannot be used, as the act would say
        form.blame(refusal)
        status = refusal.status
    form.must_type = must_type
    context = {
        "dialog": dialog,
        "form": form,
        "fault": fault,
        "here": request.get_full_path(),
        "knows_effects": providers.known(dialog.action)
        and bool(list(form.own_fields()))
        and not dialog.at_once,
        "effects": touched,
        "waits": waits,
    }
    return rendering.page(request, "administration/decide.html", context, status=status)


def sure(
    request: HttpRequest, dialog: Dialog, act: Callable[[], object], done: str, *, to: str = ""
) -> HttpResponse:
    """Show the dialog of an act that takes nothing but a yes; on POST call `act()`, go to `to` and say `done`.

    `to`: "" for where one would have gone back to. For the rest see `decide`.
    """

    def confirmed(_form: ActForm) -> tuple[str, str]:
        act()
        return to or dialog.back, done

    return decide(request, dialog, confirmed)


def _values(dialog: Dialog, form: ActForm) -> dict[str, Any] | None:
    """Return what the act's effects depend on; None where anything is to be filled in first."""
    is_filled = form.is_bound and form.is_valid()
    if list(form.own_fields()) and not is_filled and not dialog.at_once:
        return None
    given = form.values if is_filled else {}
    return {**dialog.values, **given}


def _waits(dialog: Dialog, values: Mapping[str, Any], by: Actor) -> str:
    """Return that a second person must agree, as far as the effects tell; these say where they are not known."""
    try:
        return second.warning(dialog.action, dialog.broker, values, by)
    except RabbitError:
        return ""


def require_same(request: HttpRequest, broker: str) -> None:
    """Refuse an act (409 `other_broker`) that was decided on about another broker than it would be done on.

    An address that names none, or one that went, is about the one that is shown: another page may have changed it.
    Raises ConfigurationError for a broker that an address names and nobody configured.
    """
    given = request.GET.get("broker", "")
    if given not in ("", brokers.EVERY):
        brokers.config(given)
    decided = request.POST.get("broker", broker)
    if decided != broker:
        values = {"decided": decided, "broker": broker}
        text = _("It was decided on for the broker “%(decided)s”; now “%(broker)s” is shown. Open it again.")
        raise Refusal(text % values, "other_broker")
