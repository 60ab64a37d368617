"""Feature flags and deprecated features."""

from __future__ import annotations

from functools import partial

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.flags import acts, pages
from mqadmin.administration.flags.lists import DEPRECATED, FLAGS
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import prose
from mqadmin.rabbit.administration.flags import Flag, to_enable


@permissions.view.of("broker")
@require_safe
def flag_list(request: HttpRequest) -> HttpResponse:
    """All feature flags, those that are not enabled first."""
    words = Words(
        title=_("Feature flags"),
        placeholder=_("Name, /pattern/, or state:disabled stability:stable"),
        none=_("No feature flags"),
        icon="flag",
    )
    return listed.page(
        request,
        FLAGS,
        words,
        rows="administration/_flags.html",
        template="administration/flags.html",
        shape=pages.flag_row,
        of_broker=True,
    )


@permissions.view.of("broker")
@require_safe
def deprecated_list(request: HttpRequest) -> HttpResponse:
    """All deprecated features, those that are in use first."""
    words = Words(
        title=_("Deprecated features"),
        placeholder=_("Name, /pattern/, or is:used"),
        none=_("No deprecated features"),
        icon="archive",
    )
    return listed.page(
        request,
        DEPRECATED,
        words,
        rows="administration/_deprecated.html",
        template="administration/deprecated.html",
        shape=pages.deprecated_row,
        of_broker=True,
    )


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def flag_enable(request: HttpRequest) -> HttpResponse:
    """Enable one feature flag."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    flag = next((item for item in _known(slug) if item.name == name), None)
    about = [f"{flag.about}."] if flag and flag.about else []
    dialog = Dialog(
        action=acts.ENABLE,
        broker=slug,
        title=_("Enable the feature flag %(name)s") % {"name": name},
        says=[
            *about,
            *(pages.notes(flag) if flag else []),
            _("It cannot be undone: once enabled, older nodes that do not know it cannot join the cluster."),
        ],
        label=_("Enable it"),
        back=_list(slug),
        back_label=_("Feature flags"),
        subject=name,
        icon="flag",
        danger=flag is None or flag.stability == "experimental",
        values={"name": name},
    )

    act = partial(acts.enable, broker=slug, by=audit.actor(request), name=name)
    return deciding.sure(request, dialog, act, _("%(name)s is enabled.") % {"name": name})


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def flag_enable_all(request: HttpRequest) -> HttpResponse:
    """Enable all stable feature flags."""
    slug = brokers.current(request)
    names = [flag.name for flag in to_enable(_known(slug))]
    dialog = Dialog(
        action=acts.ENABLE_ALL,
        broker=slug,
        title=_("Enable all stable feature flags"),
        says=[
            _("These are not enabled now: %(names)s.") % {"names": prose.listed(names)}
            if names
            else _("All stable feature flags are enabled, as far as is known."),
            _("Experimental flags stay as they are."),
            _("It cannot be undone. All nodes must run, and run the same version."),
        ],
        label=_("Enable them"),
        back=_list(slug),
        back_label=_("Feature flags"),
        subject=slug,
        icon="flag",
        danger=False,
    )

    def act(form: ActForm) -> tuple[str, str]:  # noqa: ARG001
        done = acts.enable_all(broker=slug, by=audit.actor(request))
        return dialog.back, _("Enabled: %(names)s.") % {"names": prose.listed(done)}

    return deciding.decide(request, dialog, act)


def _known(slug: str) -> list[Flag]:
    table = reading.look(slug, FLAGS).rows()
    return [table.row(place) for place in table.order("name")]


def _list(slug: str) -> str:
    return address("flag_list", slug)
