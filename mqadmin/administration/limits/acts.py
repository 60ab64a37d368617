"""Limits of virtual hosts and of users are set and taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting import second
from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.administration.permissions import own
from mqadmin.approvals.gate import kinds
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import limits, users
from mqadmin.rabbit.administration.limits import NAMES, Of
from mqadmin.rabbit.management_api.client import ManagementClient

MOST = 2**31 - 1


def set_action(of: Of) -> str:
    """Return what setting a limit is called in the audit log."""
    return f"{of}_limit.set"


def clear_action(of: Of) -> str:
    """Return what taking one away is called in the audit log."""
    return f"{of}_limit.clear"


def put(*, broker: str, by: Actor, of: Of, name: str, limit: str, value: int) -> None:
    """Set a limit of a virtual host or a user. What is over it already stays; 0 lets nothing in.

    Raises Refusal (422 with the field to blame, 404, 409 `own_account` or in the broker's words), RabbitError.
    """
    require_name("name", name)
    if limit not in NAMES[of]:
        raise blame("limit", _("There is one of these: %(known)s.") % {"known": ", ".join(NAMES[of])})
    if not 0 <= value <= MOST:
        raise blame("value", _("A whole number from 0 on."))
    detail = {"limit": limit, "value": value}
    with change(
        by=by,
        action=set_action(of),
        broker=broker,
        target=name,
        kinds=["limits", "users", "vhosts"],
        detail=detail,
    ) as act:
        _require(act.client, broker, of, name)
        act.was(value=_now(act.client, of, name).get(limit))
        if of == "vhost":
            second.ask(
                act,
                by=by,
                action=set_action(of),
                broker=broker,
                summary=_("Set %(limit)s of %(name)s to %(value)d")
                % {"limit": limit, "name": name, "value": value},
                arguments={"name": name, "limit": limit, "value": value},
                values={"vhost": name, "limit": limit, "value": value},
            )
        limits.put(act.client, of, name, limit, value)


@kinds.register(set_action("vhost"), needs="configure", counts_as="limit")
def _put_agreed(given: Mapping[str, Any], by: Actor) -> None:
    """Do what waited for a second person."""
    names = {name: given[name] for name in ("broker", "name", "limit")}
    put(by=by, of="vhost", value=int(given["value"]), **names)


def clear(*, broker: str, by: Actor, of: Of, name: str, limit: str) -> None:
    """Take a limit away. Raises Refusal (404 where it is not set, 409 `own_account`), RabbitError."""
    kinds: list[Name] = ["limits", "users", "vhosts"]
    detail = {"limit": limit}
    with change(
        by=by, action=clear_action(of), broker=broker, target=name, kinds=kinds, detail=detail
    ) as act:
        _require(act.client, broker, of, name)
        was = _now(act.client, of, name).get(limit)
        if was is None:
            raise Refusal(_("This limit is not set any more."), "not_found", status=404)
        act.was(value=was)
        limits.clear(act.client, of, name, limit)


def _require(client: ManagementClient, broker: str, of: Of, name: str) -> None:
    """Raise Refusal for an account of mqadmin's, 404 for what is not there: RabbitMQ takes limits of anything."""
    if of == "user":
        own.require_other(broker, name)
        users.one(client, name)
    elif not any(item.name == name for item in client.vhosts()):
        raise Refusal(_("There is no such virtual host any more."), "not_found", status=404)


def _now(client: ManagementClient, of: Of, name: str) -> dict[str, int]:
    found = limits.of_vhosts(client) if of == "vhost" else limits.of_users(client)
    return found.get(name, {})
