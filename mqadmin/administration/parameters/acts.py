"""Parameters are set and deleted: those of virtual hosts, which plugins read, and the global ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.administration.parameters import masks
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import federation, parameters, shovels
from mqadmin.rabbit.errors import BadResponse, NotOffered

SET, DELETE = "parameter.set", "parameter.delete"
ELSEWHERE = ("policy", "operator_policy", "vhost-limits")
"""Components that have pages of their own, and of which RabbitMQ takes the first two no other way."""

_PLUGINS = {
    shovels.COMPONENT: shovels.PLUGIN,
    federation.UPSTREAM: federation.PLUGIN,
    federation.SET: federation.PLUGIN,
}
_LISTS: dict[str, list[Name]] = {
    shovels.COMPONENT: ["parameters", "shovels"],
    federation.UPSTREAM: ["parameters", "federation_upstreams", "federation_links"],
    federation.SET: ["parameters", "federation_sets", "federation_links"],
}


def put(
    *,
    broker: str,
    by: Actor,
    vhost: str,
    component: str,
    name: str,
    value: Any,
    only_new: bool = False,
    action: str = SET,
) -> None:
    """Set a parameter, a global one with `vhost` and `component` "".

    A secret that `value` has as `•••` stays as it is: of an address only where scheme, user and host stay too.
    Raises Refusal (422 with the field to blame; 409 `exists` or in the broker's words, which repeat no secret),
    RabbitError.
    """
    _require(vhost, component)
    require_name("name", name)
    with change(
        by=by,
        action=action,
        broker=broker,
        vhost=place(vhost, component, is_new=True),
        target=_target(vhost, name),
        kinds=_LISTS.get(component, ["parameters"]),
        detail={"component": component, "value": masks.shown(name, value)},
    ) as act:
        live = parameters.one(act.client, vhost, component, name)
        if live is not None:
            act.was(value=masks.shown(name, live.value))
            if only_new:
                text = _("There is one of that name already.")
                raise Refusal(text, "exists", fields={"name": text})
        try:
            whole = masks.kept(name, value, live.value if live else None)
        except masks.Unknown:
            raise blame(
                "value",
                _("Give the password again: where “•••” stands, the one that is there cannot be taken over."),
            ) from None
        with plainly(whole, _component_field(component)):
            parameters.put(act.client, vhost, component, name, whole)


def delete(*, broker: str, by: Actor, vhost: str, component: str, name: str, action: str = DELETE) -> None:
    """Delete a parameter. Raises Refusal (404; 409 in the broker's words), RabbitError."""
    _require(vhost, component)
    with change(
        by=by,
        action=action,
        broker=broker,
        vhost=place(vhost, component),
        target=_target(vhost, name),
        kinds=_LISTS.get(component, ["parameters"]),
        detail={"component": component},
    ) as act:
        live = parameters.one(act.client, vhost, component, name)
        if live is None:
            raise Refusal(_("There is none of that name any more."), "not_found", status=404)
        act.was(value=masks.shown(name, live.value))
        parameters.delete(act.client, vhost, component, name)


@contextmanager
def plainly(value: Any, field: Callable[[str], str]) -> Iterator[None]:
    """Have the broker's no leave as a Refusal without the secrets of `value`, which its words may repeat.

    `field(words)` names the field to blame, "" for none.
    """
    try:
        yield
    except NotOffered:
        raise
    except BadResponse as error:  # of status 500 the reason may repeat it too
        text, code = masks.told(str(error), value), error.code
        named = field(text)
        raise Refusal(text, code, fields={named: text} if named else {}) from None


def not_enabled(component: str) -> str:
    """Say which plugin a component is of, "" where that is not known."""
    plugin = _PLUGINS.get(component)
    return shovels.missing(plugin) if plugin else ""


def _component_field(component: str) -> Callable[[str], str]:
    def field(text: str) -> str:
        if f"component {component} not found" in text:
            words = not_enabled(component) or _("No plugin of this broker has parameters of that component.")
            raise Refusal(words, "not_offered", fields={"component": words}) from None
        return ""

    return field


def place(vhost: str, component: str, *, is_new: bool = False) -> str | None:
    """Return the virtual host that a parameter is of, None: it takes the whole broker. What leads to other brokers
    does, by an address and a password: it reaches what a virtual host's own people may not."""
    leads_away = is_new and component in (shovels.COMPONENT, federation.UPSTREAM)
    return vhost if component and not leads_away else None


def _require(vhost: str, component: str) -> None:
    if component in ELSEWHERE:
        raise blame("component", _("This is set on a page of its own: policies, or limits of virtual hosts."))
    if bool(vhost) != bool(component):
        field = "component" if vhost else "vhost"
        raise blame(field, _("A parameter of a virtual host has a component, a global one has neither."))
    if component:
        require_name("vhost", vhost)
        require_name("component", component)


def _target(vhost: str, name: str) -> str:
    return f"{vhost}:{name}" if vhost else name
