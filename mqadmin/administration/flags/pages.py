"""Feature flags and deprecated features in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import address
from mqadmin.core.tones import Tone
from mqadmin.queues.pages import deprecated
from mqadmin.rabbit.administration.flags import Deprecated, Flag


@dataclass(frozen=True)
class FlagRow:
    """A flag as the list draws it; `enable`: the dialog that enables it, "" where it cannot be."""

    state: str
    tone: Tone
    stability: str
    notes: list[str]
    enable: str


@dataclass(frozen=True)
class DeprecatedRow:
    """A deprecated feature as the list draws it."""

    title: str
    advice: str
    used: str
    tone: Tone
    phase: str


def flag_row(broker: str, flag: Flag) -> FlagRow:
    """Return what the list draws of a flag."""
    states: dict[str, tuple[str, Tone]] = {
        "enabled": (_("enabled"), "green"),
        "disabled": (_("not enabled"), "amber" if flag.is_to_enable else "grey"),
        "unavailable": (_("not on all nodes"), "red"),
        "state_changing": (_("being enabled"), "blue"),
    }
    state, tone = states.get(flag.state, (flag.state, "grey"))
    can = flag.state == "disabled"
    return FlagRow(
        state,
        tone,
        stability(flag),
        notes(flag),
        address("flag_enable", broker, name=flag.name) if can else "",
    )


def stability(flag: Flag) -> str:
    """Return how sure RabbitMQ is of a flag."""
    return {
        "stable": _("stable"),
        "required": _("required: always enabled"),
        "experimental": _("experimental"),
    }.get(flag.stability, flag.stability)


def notes(flag: Flag) -> list[str]:
    """Return what is to be known before a flag is enabled."""
    told = (
        (
            flag.state == "disabled" and flag.stability == "stable",
            _("Required by a later version: a node of it refuses to start without."),
        ),
        (
            flag.stability == "experimental" and flag.level == "supported",
            _("Experimental, but supported: an upgrade with it is possible."),
        ),
        (
            flag.stability == "experimental" and flag.level != "supported",
            _(
                "Experimental: later versions may not be able to upgrade a broker that uses it. Try it elsewhere."
            ),
        ),
        (bool(flag.migrates), _("Data is moved when it is enabled: that may take a while.")),
        (
            flag.state == "unavailable",
            _("A node does not know it: upgrade all nodes to the same version first."),
        ),
    )
    return [text for holds, text in told if holds] if flag.state != "enabled" else []


def deprecated_row(_broker: str, item: Deprecated) -> DeprecatedRow:
    """Return what the list draws of a deprecated feature."""
    title, advice = deprecated.words(item.name)
    phases = {
        "permitted_by_default": _("still permitted; a later version refuses it"),
        "denied_by_default": _("refused, unless the configuration permits it"),
        "disconnected": _("cannot be used any more"),
        "removed": _("gone"),
    }
    used, tone = (_("in use"), "amber") if item.used else (_("not in use"), "green")
    said: Tone = "amber" if tone == "amber" else "green"
    return DeprecatedRow(title, advice if item.used else "", used, said, phases.get(item.phase, item.phase))
