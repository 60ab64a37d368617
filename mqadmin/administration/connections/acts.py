"""Connections are closed: one, all of a user, all from an address."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.acting.changing import Change, blame, change, refused
from mqadmin.administration.connections import cutting
from mqadmin.administration.connections.cutting import Cut
from mqadmin.approvals.gate import gate, kinds
from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core import brokers, permissions
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import number
from mqadmin.rabbit.administration import connections
from mqadmin.rabbit.errors import NotFound, RabbitError

CLOSE, CLOSE_ALL = "connection.close", "connections.close"
_NAMED = 20  # queues in what a second person reads
MOST_NOTED = 200  # connections and queues that the audit log names


def close(*, broker: str, by: Actor, name: str, reason: str = "") -> None:
    """Close one connection; `reason` is told to its client.

    Raises Refusal (404 once it is closed, 422 `reason`), RabbitError.
    """
    _require(reason)
    detail = {"reason": reason}
    with change(
        by=by,
        action=CLOSE,
        broker=broker,
        vhost=_vhost(broker, name),
        target=name,
        kinds=["connections", "channels"],
        detail=detail,
    ) as act:
        cut = cutting.of_one(act.client, name)
        act.was(**_told(cut))
        summary = _("Close the connection %(name)s") % {"name": name}
        _ask(act, by, CLOSE, broker, summary, cut, {"name": name, "reason": reason})
        connections.close(act.client, name, reason=_said(reason, by))


def close_all(
    *, broker: str, by: Actor, user: str = "", address: str = "", expect: int | None = None, reason: str = ""
) -> int:
    """Close all connections of a user, or all from an address; return how many.

    `expect`: how many they were when it was decided; where they are not as many now, nothing is closed. Raises
    Refusal (409 `changed`; 404 `nothing`; 422 with the field to blame), RabbitError.
    """
    _require(reason)
    if bool(user) == bool(address):
        raise blame("user", _("Say whose, or from where: a user or an address."))
    detail = {"user": user, "address": address, "reason": reason}
    with change(
        by=by,
        action=CLOSE_ALL,
        broker=broker,
        picks=True,
        target=user or address,
        kinds=["connections", "channels"],
        detail={key: value for key, value in detail.items() if value},
    ) as act:
        cut = cutting.of_all(act.client, broker, user=user, address=address)
        act.entry.count = cut.count
        act.was(**_told(cut))
        if not cut.count:
            raise Refusal(_("There is no such connection any more."), "nothing", status=404)
        if expect is not None and expect != cut.count:
            raise Refusal(_changed(cut.count), "changed")
        summary = _("Close all connections of %(who)s") % {"who": user or address}
        kept = {"user": user, "address": address, "reason": reason}
        _ask(act, by, CLOSE_ALL, broker, summary, cut, kept)
        if user and permissions.allows(broker):
            connections.close_of_user(act.client, user, reason=_said(reason, by))
        else:
            for item in cut.connections:
                with suppress(NotFound):  # it went by itself
                    connections.close(act.client, item.name, reason=_said(reason, by))
        return cut.count


def _ask(
    act: Change, by: Actor, action: str, broker: str, summary: str, cut: Cut, arguments: dict[str, Any]
) -> None:
    """Pass the gate: each connection is an object."""
    asked = Asked(
        action,
        broker,
        summary,
        {"broker": broker, **arguments},
        Size(objects=cut.count),
        foretell=lambda: _foretold(cut),
    )
    gate.ask(asked, by=by, entry=act.entry)


def _foretold(cut: Cut) -> list[Foretold]:
    values = {"n": number(cut.count), "channels": number(cut.channels), "consumers": number(cut.consumers)}
    text = _("%(n)s connections with %(channels)s channels and %(consumers)s consumers are closed.")
    told = [Foretold("stops", text % values)]
    for vhost, queue, count in cut.queues[:_NAMED]:
        text = ngettext("%(queue)s loses %(n)s consumer.", "%(queue)s loses %(n)s consumers.", count)
        told.append(Foretold("stops", text % {"queue": f"{vhost}:{queue}", "n": number(count)}))
    if cut.lost:
        text = _("Of %(n)s messages their publishers cannot know whether they arrived.")
        told.append(Foretold("unknown", text % {"n": number(cut.lost)}))
    return told


@kinds.register(CLOSE, needs="operate", counts_as="close")
def _close_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    close(by=by, **given)


@kinds.register(CLOSE_ALL, needs="operate", counts_as="close")
def _close_all_agreed(given: Mapping[str, Any], by: Actor) -> int:
    """Do what waited for a second person."""
    return close_all(by=by, **given)


def _vhost(broker: str, name: str) -> str | None:
    """Return the virtual host of a connection: asked for where it matters, since its name does not tell."""
    if permissions.allows(broker):
        return None
    try:
        return connections.one(brokers.client(broker), name).connection.vhost
    except RabbitError as error:
        raise refused(error) or error from error


def _require(reason: str) -> None:
    if len(reason.encode("utf-8", "replace")) > connections.LONGEST_REASON:
        raise blame("reason", _("That is longer than %(n)d bytes.") % {"n": connections.LONGEST_REASON})


def _said(reason: str, by: Actor) -> str:
    """Return what a client is told: a client's log is read by whoever wonders who closed it."""
    return reason or f"Closed by {by.name} with mqadmin"


def _changed(count: int) -> str:
    return ngettext(
        "Nothing was closed: now it is %(n)s connection. Look again.",
        "Nothing was closed: now they are %(n)s connections. Look again.",
        count,
    ) % {"n": count}


def _told(cut: Cut) -> dict[str, object]:
    return {
        "connections": [
            {"name": item.name, "called": item.called, "user": item.user, "vhost": item.vhost}
            for item in cut.connections[:MOST_NOTED]
        ],
        "channels": cut.channels,
        "consumers": cut.consumers,
        "queues": [f"{vhost}:{queue}" for vhost, queue, _count in cut.queues[:MOST_NOTED]],
        "unacked": cut.unacked,
    }
