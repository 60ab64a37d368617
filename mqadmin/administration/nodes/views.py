"""Nodes: all of them, one, whether it may be stopped, RabbitMQ's health checks."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_safe

from mqadmin.administration.listed import views as listed
from mqadmin.administration.listed.naming import asked
from mqadmin.administration.listed.views import Words
from mqadmin.administration.nodes import check_words, pages
from mqadmin.administration.nodes.lists import NODES
from mqadmin.administration.upkeep import stop_words
from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import live_fault
from mqadmin.rabbit.administration import checks
from mqadmin.rabbit.errors import RabbitError


@permissions.view.of("broker")
@require_safe
def node_list(request: HttpRequest) -> HttpResponse:
    """All nodes of a cluster."""
    words = Words(
        title=_("Nodes"),
        placeholder=_("Name, /pattern/, or memory>2GB is:draining"),
        none=_("No nodes"),
        icon="server-2",
    )
    return listed.page(
        request,
        NODES,
        words,
        rows="administration/_nodes.html",
        template="administration/nodes.html",
        shape=pages.node_row,
        of_broker=True,
    )


@permissions.view.of("broker")
@require_safe
def node_detail(request: HttpRequest) -> HttpResponse:
    """One node: what it uses, what its memory is used for, what it leads, where it listens."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    nodes, stops = pages.look(slug)
    version = rendering.version(request, nodes.known_by, stops.known_by)
    if same := rendering.unchanged(request, version):
        return same
    found = pages.whole(slug, nodes, stops, name)
    permissions.about(request, slug)
    context = {"name": name, **listed.about(request, slug, nodes), "found": found}
    return rendering.page(
        request,
        "administration/node.html",
        context,
        fragment="administration/_node.html",
        version=version,
        status=listed.status(nodes, is_there=found is not None),
    )


@permissions.view.of("broker")
@require_safe
def node_stopping(request: HttpRequest) -> HttpResponse:
    """Whether a node may be stopped: the verdict, what to do first, why; live while it is drained."""
    (name,) = asked(request, "name")
    slug = brokers.current(request)
    nodes, stops = pages.look(slug)
    version = rendering.version(request, nodes.known_by, stops.known_by)
    if same := rendering.unchanged(request, version):
        return same
    node = pages.whole(slug, nodes, stops, name)
    found = pages.about(stops, name)
    context = {
        "name": name,
        **listed.about(request, slug, stops),
        "node": node,
        "found": pages.shown(slug, found),
        "verdict": stop_words.verdict(found, name) if found else None,
        "todos": stop_words.todos(slug, found, name),
    }
    return rendering.page(
        request,
        "administration/stopping.html",
        context,
        fragment="administration/_stopping.html",
        version=version,
        status=listed.status(stops, is_there=bool(found)),
    )


@permissions.view.of("broker")
@require_GET
def node_checks(request: HttpRequest) -> HttpResponse:
    """RabbitMQ's own health checks, run now, each with its answer in words."""
    slug = brokers.current(request)
    rows: list[check_words.CheckRow] = []
    context: dict[str, Any] = {"broker": slug, "rows": rows, "fault": None, "at": ""}
    try:
        client = brokers.for_page(slug)
        context["at"] = client.overview().node
        rows += [check_words.row(checks.run(client, name)) for name in checks.CHECKS]
    except RabbitError as error:
        context["fault"] = live_fault(error)
    context["failed"] = sum(1 for row in rows if row.tone == "red")
    status = 503 if context["fault"] else 200
    return rendering.page(request, "administration/checks.html", context, status=status)
