"""Rights of users in virtual hosts and on topics, and limits: listed, set, taken away."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.listed.places import user_href, vhost_href
from mqadmin.administration.listed.views import Words
from mqadmin.administration.permissions import acts, own, pages
from mqadmin.administration.permissions.forms import PermissionForm, TopicPermissionForm
from mqadmin.administration.permissions.lists import PERMISSIONS, TOPIC_PERMISSIONS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit


@permissions.view.of("vhost")
@require_safe
def permission_list(request: HttpRequest) -> HttpResponse:
    """All rights of users in virtual hosts: searched, sorted, a page of them."""
    words = Words(
        title=_("Permissions"),
        placeholder=_("User, virtual host, or vhost:shop user:app*"),
        none=_("No permissions"),
        icon="shield-lock",
    )
    return listed.page(
        request,
        PERMISSIONS,
        words,
        rows="administration/_permissions.html",
        template="administration/permissions.html",
        shape=pages.permission_row,
    )


@permissions.view.of("vhost")
@require_safe
def topic_permission_list(request: HttpRequest) -> HttpResponse:
    """All topic permissions: searched, sorted, a page of them."""
    words = Words(
        title=_("Topic permissions"),
        placeholder=_("User, virtual host, exchange, or exchange:amq.topic"),
        none=_("No topic permissions"),
        icon="shield-lock",
    )
    return listed.page(
        request,
        TOPIC_PERMISSIONS,
        words,
        rows="administration/_topic_permissions.html",
        template="administration/permissions.html",
        shape=pages.topic_row,
        more={"is_topics": True},
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def permission_set(request: HttpRequest) -> HttpResponse:
    """Set what a user may do in a virtual host; the address may say user and virtual host already."""
    slug, given = brokers.current(request), _given(request)
    says = [
        _(
            "Rights are regular expressions that RabbitMQ looks for anywhere in the name of a queue or an exchange."
        ),
        _("Open channels may go on for a while with what they were allowed before: RabbitMQ remembers it."),
    ]
    dialog = _dialog(acts.SET, slug, given, _("Rights in a virtual host"), says, _("Set the rights"))
    initial = {}
    for item in known.granted(slug, given):
        expressions = {"configure": item.configure, "write": item.write, "read": item.read}
        initial = PermissionForm.initial_of(expressions)

    def act(form: PermissionForm) -> tuple[str, str]:
        values = _without_trial(form.values)
        acts.put(broker=slug, by=audit.actor(request), **values)
        return user_href(slug, values["user"]), _("The rights of %(user)s were set.") % values

    made = partial(PermissionForm, vhosts=known.vhosts(slug), given=given, initial=initial)
    return deciding.decide(request, dialog, act, made)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def permission_clear(request: HttpRequest) -> HttpResponse:
    """Take a user's rights in a virtual host away."""
    vhost, user = asked(request, "vhost", "user")
    slug, given = brokers.current(request), {"vhost": vhost, "user": user}
    says = [
        _("%(user)s cannot enter the virtual host %(vhost)s any more.") % given,
        _(
            "Connections that are open there stay; what they do is refused once their channels have forgotten."
        ),
    ]
    title, label = _("Take the rights of %(user)s away") % given, _("Take them away")
    dialog = _dialog(acts.CLEAR, slug, given, title, says, label)

    act = partial(acts.clear, broker=slug, by=audit.actor(request), vhost=vhost, user=user)
    return deciding.sure(
        request,
        dialog,
        act,
        _("%(user)s has no rights in %(vhost)s any more.") % given,
        to=user_href(slug, user),
    )


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def topic_permission_set(request: HttpRequest) -> HttpResponse:
    """Set with which routing keys a user may publish to a topic exchange, and bind to it."""
    slug, given = brokers.current(request), _given(request)
    exchange = request.GET.get("exchange", "")
    says = [
        _(
            "Without topic permissions every routing key is allowed on an exchange that the other rights allow."
        ),
        _("With them, these keys alone. They give no right on the exchange itself."),
    ]
    title, label = _("Rights on a topic exchange"), _("Set them")
    dialog = _dialog(acts.SET_TOPIC, slug, given, title, says, label)
    initial = {"exchange": exchange or "amq.topic"}
    for item in known.topics(slug, {**given, "exchange": exchange}):
        expressions = {"write": item.write, "read": item.read}
        initial |= TopicPermissionForm.initial_of(expressions)

    def act(form: TopicPermissionForm) -> tuple[str, str]:
        values = _without_trial(form.values)
        acts.put_topic(broker=slug, by=audit.actor(request), **values)
        return user_href(slug, values["user"]), _("The rights of %(user)s on topics were set.") % values

    made = partial(TopicPermissionForm, vhosts=known.vhosts(slug), given=given, initial=initial)
    return deciding.decide(request, dialog, act, made)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def topic_permission_clear(request: HttpRequest) -> HttpResponse:
    """Take all topic permissions of a user in a virtual host away."""
    vhost, user = asked(request, "vhost", "user")
    slug, given = brokers.current(request), {"vhost": vhost, "user": user}
    gone = [item.exchange for item in known.topics(slug, given)]
    says = [
        _("RabbitMQ takes them away for all exchanges of %(vhost)s at once.") % given,
        _("From then on %(user)s may use every routing key there, where the other rights allow the exchange.")
        % given,
        *[_("This goes: %(exchange)s") % {"exchange": exchange} for exchange in gone[:20]],
    ]
    title, label = _("Take the topic permissions of %(user)s away") % given, _("Take them away")
    dialog = _dialog(acts.CLEAR_TOPICS, slug, given, title, says, label)

    act = partial(acts.clear_topics, broker=slug, by=audit.actor(request), vhost=vhost, user=user)
    return deciding.sure(
        request,
        dialog,
        act,
        _("%(user)s has no topic permissions in %(vhost)s any more.") % given,
        to=user_href(slug, user),
    )


def _given(request: HttpRequest) -> dict[str, str]:
    """Return what of user and virtual host the address says."""
    return {name: request.GET[name] for name in ("user", "vhost") if name in request.GET}


def _without_trial(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != "try_name"}


def _dialog(
    action: str,
    slug: str,
    given: dict[str, str],
    title: str,
    says: list[str],
    label: str,
) -> Dialog:
    user = given.get("user", "")
    back = user_href(slug, user) if user else address("permission_list", slug)
    if not user and "vhost" in given:
        back = vhost_href(slug, given["vhost"])
    return Dialog(
        action=action,
        broker=slug,
        title=title,
        says=[*([_whom(given)] if given else []), *says],
        label=label,
        back=back,
        back_label=user or given.get("vhost") or _("Permissions"),
        subject=user or given.get("vhost") or slug,
        danger=action in (acts.CLEAR, acts.CLEAR_TOPICS),
        icon="shield-lock",
        values=given,
        refused=own.why_not(slug, user) if user else "",
    )


def _whom(given: dict[str, str]) -> str:
    if len(given) == 2:
        return _("User %(user)s, virtual host %(vhost)s.") % given
    return _("User %(user)s.") % given if "user" in given else _("Virtual host %(vhost)s.") % given
