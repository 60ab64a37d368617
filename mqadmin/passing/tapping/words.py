"""What a tap cannot see, why it cannot be made, what it costs: in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.utils.translation import gettext as _

from mqadmin.passing.models import Tap

_NOTES: dict[str, Callable[[], str]] = {
    "default_exchange": lambda: _(
        "Messages published straight to the queue, by the default exchange, are not seen."
    ),
    "dead_lettered": lambda: _("Nor are letters that another queue dead-letters straight to it."),
    "sharing": lambda: _(
        "An exchange that shares messages out among its queues is left out: a copy would take some from others."
    ),
    "unrouted": lambda: _(
        "Seen is what a queue gets by a binding of this exchange. What no binding takes, and goes back or to an "
        "alternate exchange, is not: a tap that took it would keep it from there."
    ),
    "to_exchanges": lambda: _("What only other exchanges get from it is not seen: tap those."),
    "deliveries": lambda: _(
        "Seen is each delivery to a consumer. What waits in the queue is not, until it is taken."
    ),
    "one_node": lambda: _(
        "RabbitMQ traces on the node that was asked: in a cluster, clients of other nodes are not seen."
    ),
}
_REFUSED: dict[str, Callable[[], str]] = {
    "only_default": lambda: _(
        "No exchange but the default one passes messages to this queue, and a copy of that binding cannot be made. "
        "The firehose shows them."
    ),
    "default_exchange": lambda: _(
        "Nothing can be bound to the default exchange. The firehose shows its messages."
    ),
    "sharing": lambda: _(
        "This exchange shares messages out among its queues. A copy would take some that another should "
        "have: it is "
        "not tapped. The firehose shows them."
    ),
    "only_exchanges": lambda: _(
        "It passes messages to other exchanges alone: tap those, or use the firehose."
    ),
    "nothing_bound": lambda: _(
        "Nothing is bound to it. A tap that took its messages would keep them from going back to who "
        "published them. "
        "The firehose shows them."
    ),
    "missing": lambda: _("There is no such exchange."),
    "long_name": lambda: _("Its name is too long for the firehose."),
}
FIELD = dict.fromkeys(
    ("only_default", "default_exchange", "sharing", "only_exchanges", "nothing_bound"), "use_firehose"
)


def notes(codes: Iterable[str]) -> list[str]:
    """Return what cannot be seen, in sentences."""
    return [_NOTES[code]() for code in codes if code in _NOTES]


def refused(code: str) -> str:
    """Return why something cannot be tapped."""
    return _REFUSED[code]() if code in _REFUSED else code


def ended(tap: Tap) -> str:
    """Return why a tap ended, "" while it is open."""
    if tap.is_open:
        return ""
    if tap.words.startswith("!"):
        return refused(tap.words[1:])
    return tap.words or (_("It was stopped.") if tap.is_stopping else _("Its time was over."))


def cost(vhost: str) -> str:
    """Return what the firehose costs."""
    return _(
        "The firehose makes RabbitMQ copy every message that is published or delivered in the virtual host "
        "“%(vhost)s”, of all its queues, while the tap is open. On a busy broker that is felt by everybody."
    ) % {"vhost": vhost}
