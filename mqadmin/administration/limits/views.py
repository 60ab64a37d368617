"""Limits of virtual hosts and of users: listed, set, taken away."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.limits import acts, pages
from mqadmin.administration.limits.forms import LimitForm
from mqadmin.administration.limits.lists import LIMITS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.places import user_href, vhost_href
from mqadmin.administration.listed.views import Words
from mqadmin.administration.permissions import own
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration.limits import Of


@permissions.view.of("vhost")
@require_safe
def limit_list(request: HttpRequest) -> HttpResponse:
    """All limits that are set: searched, sorted, a page of them."""
    words = Words(
        title=_("Limits"),
        placeholder=_("Name, or of:user limit:max-connections value<10"),
        none=_("No limits"),
        icon="adjustments",
    )
    return listed.page(
        request,
        LIMITS,
        words,
        rows="administration/_limit_rows.html",
        template="administration/limits.html",
        shape=pages.limit_row,
        of_broker=True,
    )


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def limit_set(request: HttpRequest) -> HttpResponse:
    """Set a limit of a virtual host or a user."""
    of, name = _asked(request)
    slug = brokers.current(request)
    title = _("A limit of %(name)s") % {"name": name}
    says = [_("It counts from now on. Nothing that is open is closed, and nothing is deleted.")]
    dialog = _dialog(
        acts.set_action(of), slug, of, name, title=title, says=says, label=_("Set it"), danger=False
    )

    def act(form: LimitForm) -> tuple[str, str]:
        acts.put(broker=slug, by=audit.actor(request), of=of, name=name, **form.values)
        return dialog.back, _("The limit of %(name)s was set.") % {"name": name}

    return deciding.decide(request, dialog, act, partial(LimitForm, of=of))


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def limit_clear(request: HttpRequest) -> HttpResponse:
    """Take a limit away."""
    of, name = _asked(request)
    (limit,) = asked(request, "limit")
    slug = brokers.current(request)
    title = _("Take %(limit)s of %(name)s away") % {"limit": limit, "name": name}
    says = [_("From then on there may be any number.")]
    more: dict[str, Any] = {"values": {"limit": limit, of: name}}
    dialog = _dialog(
        acts.clear_action(of), slug, of, name, title=title, says=says, label=_("Take it away"), **more
    )

    act = partial(acts.clear, broker=slug, by=audit.actor(request), of=of, name=name, limit=limit)
    return deciding.sure(request, dialog, act, _("The limit of %(name)s was taken away.") % {"name": name})


def _asked(request: HttpRequest) -> tuple[Of, str]:
    of, name = asked(request, "of", "name")
    if of == "vhost":
        return "vhost", name
    if of == "user":
        return "user", name
    raise Refusal(_("Limits are of a virtual host (vhost) or of a user."), "invalid", status=422)


def _dialog(action: str, slug: str, of: Of, name: str, **more: Any) -> Dialog:
    back = vhost_href(slug, name) if of == "vhost" else user_href(slug, name)
    refused = own.why_not(slug, name) if of == "user" else ""
    given = {"values": {of: name}, **more}
    return Dialog(
        action, slug, back=back, back_label=name, subject=name, icon="adjustments", refused=refused, **given
    )
