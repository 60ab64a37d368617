"""Rights of users in virtual hosts and on topics are set and taken away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.administration.permissions import own
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import permissions
from mqadmin.rabbit.errors import BadRequest

SET, CLEAR = "permission.set", "permission.clear"
SET_TOPIC, CLEAR_TOPICS = "topic_permission.set", "topic_permission.clear"


def put(
    *, broker: str, by: Actor, vhost: str, user: str, configure: str = "", write: str = "", read: str = ""
) -> None:
    """Set what a user may do in a virtual host: regular expressions, "" for nothing.

    Raises Refusal (422 with the field to blame, 404, 409 `own_account` or in the broker's words), RabbitError.
    """
    require_name("user", user)
    require_name("vhost", vhost)
    wanted = {"configure": configure, "write": write, "read": read}
    for field, value in wanted.items():
        _require_text(field, value)
    target = f"{vhost}:{user}"
    kinds: list[Name] = ["permissions", "users"]
    with change(
        by=by, action=SET, broker=broker, vhost=vhost, target=target, kinds=kinds, detail=wanted
    ) as act:
        own.require_other(broker, user)
        for item in permissions.listed(act.client):
            if (item.vhost, item.user) == (vhost, user):
                act.was(configure=item.configure, write=item.write, read=item.read)
        with _expressions():
            permissions.put(act.client, vhost, user, **wanted)


def clear(*, broker: str, by: Actor, vhost: str, user: str) -> None:
    """Take a user's rights in a virtual host away. Raises Refusal (404, 409 `own_account`), RabbitError."""
    target = f"{vhost}:{user}"
    with change(
        by=by, action=CLEAR, broker=broker, vhost=vhost, target=target, kinds=["permissions", "users"]
    ) as act:
        own.require_other(broker, user)
        for item in permissions.listed(act.client):
            if (item.vhost, item.user) == (vhost, user):
                act.was(configure=item.configure, write=item.write, read=item.read)
                break
        else:
            raise Refusal(_("The user has no rights there any more."), "not_found", status=404)
        permissions.clear(act.client, vhost, user)


def put_topic(
    *, broker: str, by: Actor, vhost: str, user: str, exchange: str, write: str = "", read: str = ""
) -> None:
    """Set with which routing keys a user may publish to a topic exchange, and bind to it. Raises as `put`."""
    require_name("user", user)
    require_name("vhost", vhost)
    require_name("exchange", exchange)
    wanted = {"write": write, "read": read}
    for field, value in wanted.items():
        _require_text(field, value)
    with change(
        by=by,
        action=SET_TOPIC,
        broker=broker,
        vhost=vhost,
        target=f"{vhost}:{user}",
        kinds=["topic_permissions"],
        detail={"exchange": exchange, **wanted},
    ) as act:
        own.require_other(broker, user)
        for item in permissions.topics(act.client):
            if (item.vhost, item.user, item.exchange) == (vhost, user, exchange):
                act.was(write=item.write, read=item.read)
        with _expressions():
            permissions.put_topic(act.client, vhost, user, exchange, **wanted)


def clear_topics(*, broker: str, by: Actor, vhost: str, user: str) -> None:
    """Take all topic permissions of a user in a virtual host away: RabbitMQ's API takes no single one.

    From then on every routing key is allowed where the other rights allow the exchange. Raises as `clear`.
    """
    target = f"{vhost}:{user}"
    with change(
        by=by, action=CLEAR_TOPICS, broker=broker, vhost=vhost, target=target, kinds=["topic_permissions"]
    ) as act:
        own.require_other(broker, user)
        found = [item for item in permissions.topics(act.client) if (item.vhost, item.user) == (vhost, user)]
        if not found:
            raise Refusal(_("The user has no topic permissions there any more."), "not_found", status=404)
        act.was(
            topics=[
                {"exchange": item.exchange, "write": item.write, "read": item.read} for item in found[:100]
            ]
        )
        permissions.clear_topics(act.client, vhost, user)


def _require_text(field: str, value: str) -> None:
    """Expressions may be longer than names; they are sent as JSON, and must be text."""
    if "\0" in value or value != value.encode("utf-8", "ignore").decode():
        raise blame(field, _("That is not valid text."))


@contextmanager
def _expressions() -> Iterator[None]:
    """Say in words that the broker cannot read an expression: it answers with the numbers of its letters."""
    try:
        yield
    except BadRequest as error:
        if "invalid_regexp" not in str(error):
            raise
        text = _("RabbitMQ cannot read one of these as a regular expression. Is a bracket open?")
        raise Refusal(text, "invalid_regexp", status=422) from error
