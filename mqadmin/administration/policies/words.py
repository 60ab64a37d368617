"""What the keys of policies do, and why a policy does or does not apply, in words."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise, lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mqadmin.administration.effects.words import names
from mqadmin.core.pages import prose
from mqadmin.core.tones import Tone
from mqadmin.rabbit.topology.policy_keys import Key
from mqadmin.rabbit.topology.policy_matches import Match, Why

GROUPS: tuple[tuple[str | Promise, tuple[str, ...]], ...] = (
    (gettext_lazy("Length"), ("max-length", "max-length-bytes", "overflow")),
    (gettext_lazy("Time"), ("message-ttl", "expires", "consumer-timeout")),
    (
        gettext_lazy("Dead letters"),
        ("dead-letter-exchange", "dead-letter-routing-key", "dead-letter-strategy", "delivery-limit"),
    ),
    (
        gettext_lazy("Where it lives"),
        ("queue-leader-locator", "target-group-size", "queue-mode", "ha-mode"),
    ),
    (gettext_lazy("Streams"), ("max-age", "stream-max-segment-size-bytes")),
    (
        gettext_lazy("Exchanges and federation"),
        ("alternate-exchange", "federation-upstream-set", "federation-upstream"),
    ),
)
_LABELS: dict[str, str | Promise] = {
    "max-length": gettext_lazy("Most messages"),
    "max-length-bytes": gettext_lazy("Most bytes"),
    "overflow": gettext_lazy("When it is full"),
    "message-ttl": gettext_lazy("Messages live for (ms)"),
    "expires": gettext_lazy("Deleted when unused for (ms)"),
    "consumer-timeout": gettext_lazy("A consumer may hold a message for (ms)"),
    "dead-letter-exchange": gettext_lazy("Dead letters go to the exchange"),
    "dead-letter-routing-key": gettext_lazy("… with the routing key"),
    "dead-letter-strategy": gettext_lazy("How surely"),
    "delivery-limit": gettext_lazy("Most returns of a message"),
    "queue-leader-locator": gettext_lazy("Leader of a new queue"),
    "target-group-size": gettext_lazy("Replicas to aim for"),
    "queue-mode": gettext_lazy("Mode"),
    "ha-mode": gettext_lazy("Mirrors"),
    "max-age": gettext_lazy("Oldest messages"),
    "stream-max-segment-size-bytes": gettext_lazy("Largest segment (bytes)"),
    "alternate-exchange": gettext_lazy("Alternate exchange"),
    "federation-upstream-set": gettext_lazy("Federated with the set of upstreams"),
    "federation-upstream": gettext_lazy("Federated with one upstream"),
}
_HELP: dict[str, str | Promise] = {
    "max-length": gettext_lazy("Ready messages. The oldest go beyond that, unless publishers are refused."),
    "max-length-bytes": gettext_lazy("Bytes of bodies of ready messages; of a stream, of its files."),
    "overflow": gettext_lazy(
        "drop-head loses or dead-letters the oldest; reject-publish says no to publishers; reject-publish-dlx also "
        "dead-letters what is refused (classic queues)."
    ),
    "message-ttl": gettext_lazy(
        "Then a message is dropped or dead-lettered. 0: unless it is delivered at once."
    ),
    "expires": gettext_lazy(
        "The queue goes with all that is in it once it has no consumer and nobody asks it."
    ),
    "consumer-timeout": gettext_lazy("Then its channel is closed, and what it held is ready again."),
    "dead-letter-exchange": gettext_lazy("Where it is missing, or leads nowhere, dead letters are lost."),
    "dead-letter-routing-key": gettext_lazy("Empty: the key that the message came with."),
    "dead-letter-strategy": gettext_lazy(
        "at-least-once needs reject-publish, and holds letters until they are safe."
    ),
    "delivery-limit": gettext_lazy(
        "What is returned more often is dropped or dead-lettered. -1: none (from 4.0)."
    ),
    "queue-leader-locator": gettext_lazy("Only of queues that are declared from then on."),
    "target-group-size": gettext_lazy("RabbitMQ adds replicas up to that number by itself."),
    "queue-mode": gettext_lazy("lazy keeps messages on disk. It does nothing from RabbitMQ 3.12 on."),
    "ha-mode": gettext_lazy(
        "Classic mirroring: gone in RabbitMQ 4.0. exactly and nodes need ha-params below."
    ),
    "max-age": gettext_lazy("As 7D, 12h, 30m: whole segments that are older go."),
    "stream-max-segment-size-bytes": gettext_lazy("Only of streams that are declared from then on."),
    "alternate-exchange": gettext_lazy("Gets what no binding takes. An exchange's own argument comes first."),
    "federation-upstream-set": gettext_lazy("“all” stands for every upstream of the virtual host."),
    "federation-upstream": gettext_lazy("Its name. Only one of the two may be set."),
}


def label(key: Key) -> str | Promise:
    """Return what a form calls a key: what it does, with its name in RabbitMQ."""
    return _aside(_LABELS[key.name], key.name)


def help_text(key: Key) -> str | Promise:
    """Return what a key does, and for what it does it."""
    return _paragraph((_HELP[key.name], _types(key)))


_paragraph = lazy(prose.paragraph, str)
_aside = lazy(prose.aside, str)


def _types(key: Key) -> str | Promise:
    return {
        ("classic", "quorum", "stream"): gettext_lazy("All queues and streams."),
        ("classic", "quorum"): gettext_lazy("Not for streams."),
        ("classic",): gettext_lazy("Classic queues only."),
        ("quorum",): gettext_lazy("Quorum queues only."),
        ("stream",): gettext_lazy("Streams only."),
        ("exchange",): gettext_lazy("Exchanges only."),
        ("classic", "quorum", "exchange"): gettext_lazy("Queues and exchanges, where the plugin is enabled."),
    }[key.types]


def apply_to(kind: str) -> str:
    """Return what a policy is for."""
    return {
        "all": _("queues and exchanges"),
        "queues": _("all queues"),
        "exchanges": _("exchanges"),
        "classic_queues": _("classic queues"),
        "quorum_queues": _("quorum queues"),
        "streams": _("streams"),
    }.get(kind, kind)


def kind(name: str) -> str:
    """Return what an object is called."""
    return {
        "exchange": _("exchange"),
        "classic": _("classic queue"),
        "quorum": _("quorum queue"),
        "stream": _("stream"),
    }.get(name, name)


def kinds(name: str) -> str:
    """Return what all objects of a kind are called."""
    return apply_to({"exchange": "exchanges", "stream": "streams"}.get(name, f"{name}_queues"))


def _keys(found: Iterable[str]) -> str:
    return names(found)


def why(match: Match, what: str) -> str:
    """Return why a policy applies to an object, or does not. `what`: the object's kind."""
    if match.why == "applies":
        if match.idle:
            text = ngettext(
                "%(keys)s has no effect on %(kinds)s.",
                "%(keys)s have no effect on %(kinds)s.",
                len(match.idle),
            )
            return text % {"keys": _keys(match.idle), "kinds": kinds(what)}
        return _("It applies.")
    if match.why == "lower":
        return _("“%(by)s” has a higher priority.") % {"by": match.by}
    if match.why == "tie":
        return _(
            "“%(by)s” has the same priority, and RabbitMQ takes that one. Give one of them a higher one."
        ) % {"by": match.by}
    if match.why == "keys":
        text = ngettext(
            "Nothing of this policy applies to %(kinds)s: %(keys)s is not for them.",
            "Nothing of this policy applies to %(kinds)s: %(keys)s are not for them.",
            len(match.keys),
        )
        return text % {"kinds": kinds(what), "keys": _keys(match.keys)}
    if match.why == "apply_to":
        return _("It is for %(for)s.") % {"for": apply_to(match.policy.apply_to)}
    return _("It may match; whether it does cannot be told.")


TONES: dict[Why, Tone] = {
    "applies": "green",
    "lower": "grey",
    "tie": "amber",
    "keys": "amber",
    "apply_to": "grey",
    "unclear": "amber",
}


def verdict(match: Match) -> str:
    """Return the outcome in a word."""
    return {
        "applies": _("applies"),
        "lower": _("loses"),
        "tie": _("loses"),
        "keys": _("no effect"),
        "apply_to": _("not for it"),
        "unclear": _("not known"),
    }[match.why]


def does(name: str) -> str:
    """Return what a key does, "" of one that is not known here."""
    return str(_HELP.get(name, ""))
