"""Virtual hosts: all of them, one, made, changed, traced, protected, started again, deleted."""

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
from mqadmin.administration.listed.places import vhost_href
from mqadmin.administration.listed.views import Words
from mqadmin.administration.listing import reading
from mqadmin.administration.permissions import pages as rows
from mqadmin.administration.permissions import rights
from mqadmin.administration.vhosts import acts, pages
from mqadmin.administration.vhosts.forms import NewVhostForm, StartForm, VhostForm
from mqadmin.administration.vhosts.lists import VHOSTS
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering

MOST_USERS = 200


@permissions.view.of("vhost")
@require_safe
def vhost_list(request: HttpRequest) -> HttpResponse:
    """All virtual hosts of a broker: searched, sorted, a page of them."""
    words = Words(
        title=_("Virtual hosts"),
        placeholder=_("Name, description, /pattern/, or is:stopped messages>1000"),
        none=_("No virtual hosts"),
        icon="layers-linked",
    )
    return listed.page(
        request,
        VHOSTS,
        words,
        rows="administration/_vhosts.html",
        template="administration/vhosts.html",
        shape=pages.vhost_row,
        of_broker=True,
    )


@permissions.view.of("vhost")
@require_safe
def vhost_detail(request: HttpRequest) -> HttpResponse:
    """One virtual host: whether it runs, what is in it, its limits, who may enter it."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    permissions.require(slug, name)
    permissions.about(request, slug, name)
    seen, (users, topics) = reading.look(slug, VHOSTS), rights.seen_lists(slug)
    version = rendering.version(request, seen.known_by, users.known_by, topics.known_by)
    if same := rendering.unchanged(request, version):
        return same
    found = seen.rows().before((name,))
    inside = rights.rows_of(users, vhost=name)
    context = {
        "name": name,
        **listed.about(request, slug, seen),
        "found": found,
        "users_seen": users,
        "users": [(item, rows.permission_row(slug, item)) for item in inside[:MOST_USERS]],
        "user_count": len(inside),
        "topics": [
            (item, rows.topic_row(slug, item)) for item in rights.rows_of(topics, vhost=name)[:MOST_USERS]
        ],
        "shown": pages.vhost_row(slug, found) if found else None,
        "denied": permissions.lacking(slug, "configure"),  # what only who may do so with the whole broker may
    }
    status = listed.status(seen, is_there=found is not None)
    template, fragment = "administration/vhost.html", "administration/_vhost.html"
    return rendering.page(request, template, context, fragment=fragment, version=version, status=status)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def vhost_new(request: HttpRequest) -> HttpResponse:
    """Make a virtual host."""
    slug = brokers.current(request)
    dialog = Dialog(
        action=acts.CREATE,
        broker=slug,
        title=_("New virtual host"),
        says=[
            _("It is made on the broker “%(broker)s” at once. mqadmin's own user gets all rights in it.")
            % {"broker": slug}
        ],
        label=_("Make it"),
        back=address("vhost_list", slug),
        back_label=_("Virtual hosts"),
        danger=False,
        icon="plus",
    )

    def act(form: NewVhostForm) -> tuple[str, str]:
        values: dict[str, Any] = form.values
        acts.create(broker=slug, by=audit.actor(request), **values)
        return vhost_href(slug, values["name"]), _("The virtual host %(name)s was made.") % values

    return deciding.decide(request, dialog, act, NewVhostForm)


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def vhost_edit(request: HttpRequest) -> HttpResponse:
    """Change what is said of a virtual host, and the type of its queues."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    permissions.require(slug, name)
    dialog = _dialog(
        acts.UPDATE,
        slug,
        name,
        title=_("Change the virtual host %(name)s"),
        says=[_("What is in it stays as it is: the type is of queues that are declared from then on.")],
        label=_("Change it"),
        danger=False,
        icon="edit",
    )
    found = known.vhost(slug, name)
    initial = {
        "description": found.description if found else "",
        "tags": found.tags if found else [],
        "default_queue_type": found.default_queue_type if found else "",
    }

    def act(form: VhostForm) -> tuple[str, str]:
        acts.update(broker=slug, by=audit.actor(request), name=name, **form.values)
        return vhost_href(slug, name), _("The virtual host %(name)s was changed.") % {"name": name}

    return deciding.decide(request, dialog, act, partial(VhostForm, initial=initial))


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def vhost_trace(request: HttpRequest) -> HttpResponse:
    """Have all messages of a virtual host copied, or not any more."""
    name, on = asked(request, "name", "on")
    slug, is_on = brokers.current(request), on == "1"
    permissions.require(slug, name)
    costs = [
        _("Every message that is published or delivered here is copied to the exchange amq.rabbitmq.trace."),
        _("That costs the broker about as much again for each."),
        _("Whoever may bind a queue to that exchange reads every message."),
        _("It ends by itself when the node restarts. Switch it off as soon as you have seen enough."),
    ]
    dialog = _dialog(
        acts.TRACE,
        slug,
        name,
        title=_("Trace the virtual host %(name)s") if is_on else _("Stop tracing %(name)s"),
        says=costs if is_on else [_("No more messages are copied. Queues that got copies keep them.")],
        label=_("Trace it") if is_on else _("Stop tracing"),
        danger=is_on,
        icon="eye",
    )

    done = _("%(name)s is traced.") if is_on else _("%(name)s is not traced any more.")
    act = partial(acts.trace, broker=slug, by=audit.actor(request), name=name, on=is_on)
    return deciding.sure(request, dialog, act, done % {"name": name})


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def vhost_protect(request: HttpRequest) -> HttpResponse:
    """Have RabbitMQ refuse to delete a virtual host, or not any more."""
    name, on = asked(request, "name", "on")
    slug, is_on = brokers.current(request), on == "1"
    protected = [_("RabbitMQ then refuses to delete it, whoever asks, until the protection is taken away.")]
    dialog = _dialog(
        acts.PROTECT,
        slug,
        name,
        title=_("Protect %(name)s from deletion") if is_on else _("Take the protection of %(name)s away"),
        says=protected if is_on else [_("It can then be deleted, with all that is in it.")],
        label=_("Protect it") if is_on else _("Take it away"),
        danger=not is_on,
        icon="lock",
    )

    done = _("%(name)s is protected.") if is_on else _("%(name)s is not protected any more.")
    act = partial(acts.protect, broker=slug, by=audit.actor(request), name=name, on=is_on)
    return deciding.sure(request, dialog, act, done % {"name": name})


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def vhost_start(request: HttpRequest) -> HttpResponse:
    """Start a virtual host again on a node."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    permissions.require(slug, name)
    found = known.vhost(slug, name)
    nodes = (
        [*found.stopped_on, *(node for node in found.nodes if node not in found.stopped_on)] if found else []
    )
    dialog = _dialog(
        acts.START,
        slug,
        name,
        title=_("Start %(name)s again"),
        says=[
            _(
                "A virtual host stops on a node when its store of messages fails there: see that node's log first."
            ),
            _("Where it runs already, nothing happens."),
        ],
        label=_("Start it"),
        danger=False,
        icon="player-play",
    )

    def act(form: StartForm) -> tuple[str, str]:
        acts.start(broker=slug, by=audit.actor(request), name=name, **form.values)
        return vhost_href(slug, name), _("%(name)s was started.") % {"name": name}

    return deciding.decide(request, dialog, act, partial(StartForm, nodes=nodes))


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def vhost_delete(request: HttpRequest) -> HttpResponse:
    """Delete a virtual host with all that is in it."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _dialog(
        acts.DELETE,
        slug,
        name,
        title=_("Delete the virtual host %(name)s"),
        says=[
            _(
                "All its queues with their messages, its exchanges, bindings, policies and rights go for good."
            ),
            _("The page of definitions keeps what it was set up as. It keeps no message."),
        ],
        label=_("Delete it with all that is in it"),
        values={"vhost": name, "name": name},
    )

    act = partial(acts.delete, broker=slug, by=audit.actor(request), name=name)
    return deciding.sure(
        request,
        dialog,
        act,
        _("The virtual host %(name)s was deleted.") % {"name": name},
        to=address("vhost_list", slug),
    )


def _dialog(action: str, slug: str, name: str, *, title: str, **more: Any) -> Dialog:
    back = vhost_href(slug, name)
    named = title % {"name": name}
    return Dialog(action, slug, named, back=back, back_label=name, subject=name, **more)
