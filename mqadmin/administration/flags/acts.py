"""Feature flags are enabled, for good."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import flags

ENABLE, ENABLE_ALL = "flag.enable", "flag.enable_all"
_KINDS: list[Name] = ["feature-flags", "deprecated-features", "upgrade"]


def enable(*, broker: str, by: Actor, name: str) -> None:
    """Enable a feature flag. Raises Refusal (404; 409 `enabled`, or in the broker's words), RabbitError."""
    require_name("name", name)
    with change(by=by, action=ENABLE, broker=broker, target=name, kinds=_KINDS) as act:
        found = next((flag for flag in flags.listed(act.client) if flag.name == name), None)
        if found is None:
            raise Refusal(_("The broker has no such feature flag."), "not_found", status=404)
        act.was(state=found.state, stability=found.stability)
        if found.state == "enabled":
            raise Refusal(_("It is enabled already."), "enabled")
        flags.enable(act.client, name)


def enable_all(*, broker: str, by: Actor) -> list[str]:
    """Enable each stable feature flag that is not, one after the other; return their names.

    Experimental ones stay as they are. What the broker refuses ends it: what was enabled before stays. Raises
    Refusal (409 `none` where there is nothing to enable, or in the broker's words), RabbitError.
    """
    with change(by=by, action=ENABLE_ALL, broker=broker, target="", kinds=_KINDS) as act:
        names = [flag.name for flag in flags.to_enable(flags.listed(act.client))]
        act.was(disabled=names)
        if not names:
            raise Refusal(_("All stable feature flags are enabled already."), "none")
        for name in names:
            flags.enable(act.client, name)
    return names
