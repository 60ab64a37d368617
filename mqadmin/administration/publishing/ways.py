"""Where a message would go, in words and links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.listed.naming import address
from mqadmin.administration.publishing.acts import Preview
from mqadmin.core.pages.formats import duration, number

MOST_NAMED = 50


@dataclass(frozen=True)
class Way:
    """Some queues that a message gets to: how, and which; `more`: those that are not named."""

    title: str
    queues: Sequence[tuple[str, str]]
    more: int


@dataclass(frozen=True)
class Ways:
    """`title`: what becomes of the message, in a sentence; `is_good`: whether a queue surely gets it."""

    title: str
    is_good: bool
    ways: Sequence[Way]
    loses: Sequence[str]
    tells: Sequence[str]


def of(broker: str, vhost: str, found: Preview) -> Ways:
    """Return what is shown of a preview."""
    groups = (
        (_("Surely to"), found.sure),
        (_perhaps(found), found.perhaps),
        (_("If nothing else takes it, by an alternate exchange, to"), found.otherwise),
    )
    shown = [_way(broker, vhost, title, names) for title, names in groups if names]
    loses = [*found.stops, *found.loses]
    return Ways(_title(found), bool(found.sure), shown, loses, [*_held(found), *found.tells])


def _title(found: Preview) -> str:
    count = len(found.sure)
    if found.is_unroutable:
        return _(
            "No queue would get it: the broker returns it to us, and drops it where publishers do not ask for that."
        )
    if count:
        return ngettext("%(n)s queue gets it.", "%(n)s queues get it.", count) % {"n": number(count)}
    if found.choice == "one":
        return _("One of these queues gets it.")
    return _("It is not known here whether a queue gets it.")


def _perhaps(found: Preview) -> str:
    if found.choice == "one":
        return _("To one of these, by a hash or by chance")
    if found.choice == "matching":
        return _("Perhaps to these: the broker does not tell of which types their bindings' arguments are")
    return _("Perhaps to these: its type of exchange decides in a way that is not known here")


def _held(found: Preview) -> list[str]:
    if found.held_ms is None:
        return []
    text = _(
        "The exchange keeps it for %(time)s first. Whether a queue takes it then, the broker does not tell."
    )
    return [text % {"time": duration(found.held_ms / 1000)}]


def _way(broker: str, vhost: str, title: str, names: Sequence[str]) -> Way:
    links = [(name, address("queue_named", broker, vhost=vhost, name=name)) for name in names[:MOST_NAMED]]
    return Way(title, links, len(names) - len(links))
