"""Quorum queues get and lose members: one queue, or all on a node."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.listed.naming import address, asked
from mqadmin.administration.members import acts, pages
from mqadmin.administration.members.forms import GrowForm, MemberForm
from mqadmin.administration.nodes import pages as node_pages
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.administration import members
from mqadmin.rabbit.errors import RabbitError


@permissions.view.of("rows")
@require_safe
def queue_members(request: HttpRequest) -> HttpResponse:
    """The members of one quorum queue or stream, asked for now, with what adds and removes one."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    permissions.require(slug, vhost, name)
    permissions.about(request, slug)
    context: dict[str, Any] = {"vhost": vhost, "name": name, "broker": slug}
    status = 200
    try:
        queue = members.one(brokers.for_page(slug), vhost, name)
        context |= {"queue": queue, "rows": pages.member_rows(slug, queue)}
    except RabbitError as error:
        context["fault"] = live_fault(error)
        status = 404 if error.code == "not_found" else 503
    return rendering.page(request, "administration/members.html", context, status=status)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def member_add(request: HttpRequest) -> HttpResponse:
    """Add a member of a quorum queue on a node."""
    vhost, name = asked(request, "vhost", "name")
    slug = brokers.current(request)
    dialog = _of_queue(
        slug,
        vhost,
        name,
        action=acts.ADD,
        title=_("Add a member of %(name)s") % {"name": name},
        says=[
            _("The new member fetches all messages of the queue: that loads the disk and the network."),
            _(
                "It counts for the majority at once. Wait until it has caught up before another node is stopped."
            ),
        ],
        label=_("Add it"),
        icon="plus",
        danger=False,
    )
    nodes, _stops = node_pages.look(slug)

    def act(form: MemberForm) -> tuple[str, str]:
        acts.add(broker=slug, by=audit.actor(request), vhost=vhost, name=name, **form.values)
        return dialog.back, _("The member on %(node)s was added.") % form.values

    return deciding.decide(request, dialog, act, partial(MemberForm, nodes=node_pages.node_names(nodes)))


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def member_remove(request: HttpRequest) -> HttpResponse:
    """Take a member of a quorum queue away."""
    vhost, name, node = asked(request, "vhost", "name", "node")
    slug = brokers.current(request)
    values = {"name": name, "node": node}
    dialog = _of_queue(
        slug,
        vhost,
        name,
        action=acts.REMOVE,
        title=_("Take the member of %(name)s on %(node)s away") % values,
        says=[
            _("Its copy of the messages is deleted. The other members keep theirs."),
            _("With fewer members the queue survives the loss of fewer nodes."),
        ],
        label=_("Take it away"),
        subject=name,
    )

    act = partial(acts.remove, broker=slug, by=audit.actor(request), vhost=vhost, name=name, node=node)
    return deciding.sure(request, dialog, act, _("The member on %(node)s was taken away.") % values)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def node_grow(request: HttpRequest) -> HttpResponse:
    """Add a member on a node to the quorum queues that match; "Show what it touches" lists them."""
    (node,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _of_node(
        slug,
        node,
        action=acts.GROW,
        title=_("Add members on %(node)s") % {"node": node},
        says=[
            _(
                "Each quorum queue below that has no member on %(node)s gets one, which fetches all its messages."
            )
            % {"node": node},
            _("RabbitMQ does one after the other: the page answers when it is done, or goes on after 30 s."),
        ],
        label=_("Add them"),
        icon="plus",
        danger=False,
    )

    def act(form: GrowForm) -> tuple[str, str]:
        found = acts.grow(broker=slug, by=audit.actor(request), node=node, **form.values)
        return dialog.back, _("%(n)d queues get a member on %(node)s.") % {"n": len(found), "node": node}

    return deciding.decide(request, dialog, act, GrowForm)


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def node_shrink(request: HttpRequest) -> HttpResponse:
    """Take the members on a node away from all quorum queues that have others."""
    (node,) = asked(request, "name")
    slug = brokers.current(request)
    dialog = _of_node(
        slug,
        node,
        action=acts.SHRINK,
        title=_("Take all members on %(node)s away") % {"node": node},
        says=[
            _(
                "For a node that leaves the cluster for good: its copies of the quorum queues below are deleted."
            ),
            _("To stop it for a while, drain it instead: then it keeps them."),
        ],
        label=_("Take them away"),
    )

    def act(form: ActForm) -> tuple[str, str]:  # noqa: ARG001
        found = acts.shrink(broker=slug, by=audit.actor(request), node=node)
        return dialog.back, _("%(n)d queues lose their member on %(node)s.") % {"n": len(found), "node": node}

    return deciding.decide(request, dialog, act)


def _of_queue(slug: str, vhost: str, name: str, **said: Any) -> Dialog:
    back = address("queue_members", slug, vhost=vhost, name=name)
    values = {"vhost": vhost, "name": name}
    return Dialog(broker=slug, back=back, back_label=name, **{"subject": name, "values": values, **said})


def _of_node(slug: str, node: str, **said: Any) -> Dialog:
    back = address("node_detail", slug, name=node)
    return Dialog(broker=slug, back=back, back_label=node, subject=node, values={"node": node}, **said)
