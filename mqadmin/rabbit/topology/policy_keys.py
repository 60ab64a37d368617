"""The keys of policies that a form has a field for: what each takes, for what it works, in which versions. Pure.

Which a broker takes was tried on 3.10.8, 4.0.5 and 4.3.6 (`PUT /api/policies`, `/api/operator-policies`); for
which types a key works is what `policies.not_taken` tells and RabbitMQ's documentation of policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Version = tuple[int, int]
Takes = Literal["number", "text", "choice"]
QUEUES = ("classic", "quorum", "stream")


@dataclass(frozen=True)
class Key:
    """One key. `types`: queue types, and "exchange", for which it does anything. `since`, `until`: versions, the
    second one is the first that has it not; `operator`: since when operator policies may have it, None for never.
    `choices`: of a choice. `unit`: "ms", "bytes" or ""."""

    name: str
    takes: Takes
    types: tuple[str, ...]
    unit: str = ""
    choices: tuple[str, ...] = ()
    least: int = 0
    since: Version = (3, 10)
    until: Version | None = None
    operator: Version | None = None

    def is_known(self, version: Version | None, *, by_operator: bool) -> bool:
        """Whether a broker of that version takes it, in a policy or an operator policy; unknown: as the newest."""
        at = version or (99, 0)
        since = self.operator if by_operator else self.since
        return since is not None and since <= at and (self.until is None or at < self.until)


_EVER = (3, 10)
KEYS = (
    Key("max-length", "number", QUEUES[:2], operator=_EVER),
    Key("max-length-bytes", "number", QUEUES, unit="bytes", operator=_EVER),
    Key(
        "overflow",
        "choice",
        QUEUES[:2],
        choices=("drop-head", "reject-publish", "reject-publish-dlx"),
        operator=(4, 0),
    ),
    Key("message-ttl", "number", QUEUES[:2], unit="ms", operator=_EVER),
    Key("expires", "number", QUEUES[:2], unit="ms", least=1, operator=_EVER),
    Key("dead-letter-exchange", "text", QUEUES[:2]),
    Key("dead-letter-routing-key", "text", QUEUES[:2]),
    Key("dead-letter-strategy", "choice", ("quorum",), choices=("at-most-once", "at-least-once")),
    Key("delivery-limit", "number", ("quorum",), least=-1, operator=_EVER),
    Key("consumer-timeout", "number", QUEUES[:2], unit="ms", since=(3, 12)),
    Key("target-group-size", "number", ("quorum",), least=1, since=(3, 12), operator=(3, 12)),
    Key("queue-leader-locator", "choice", QUEUES, choices=("client-local", "balanced")),
    Key("max-age", "text", ("stream",)),
    Key("stream-max-segment-size-bytes", "number", ("stream",), unit="bytes", least=1),
    Key("queue-mode", "choice", ("classic",), choices=("default", "lazy"), until=(3, 12)),
    Key("ha-mode", "choice", ("classic",), choices=("all", "exactly", "nodes"), until=(4, 0)),
    Key("alternate-exchange", "text", ("exchange",)),
    Key("federation-upstream-set", "text", (*QUEUES[:2], "exchange")),
    Key("federation-upstream", "text", (*QUEUES[:2], "exchange")),
)
BY_NAME: Mapping[str, Key] = {key.name: key for key in KEYS}
_BY_APPLY_TO = {
    "queues": QUEUES,
    "exchanges": ("exchange",),
    "classic_queues": ("classic",),
    "quorum_queues": ("quorum",),
    "streams": ("stream",),
}
_SINCE_TYPES: Version = (3, 12)


def known(version: Version | None, *, by_operator: bool) -> list[Key]:
    """Return the keys that a broker of that version takes."""
    return [key for key in KEYS if key.is_known(version, by_operator=by_operator)]


def apply_to(version: Version | None) -> list[str]:
    """Return what policies may be for on a broker of that version."""
    types = ["classic_queues", "quorum_queues", "streams"]
    return ["all", "queues", "exchanges", *(types if version is None or version >= _SINCE_TYPES else [])]


def covered(apply_to: str) -> tuple[str, ...]:
    """Return the types of queues, and "exchange", that policies with such an `apply-to` are for."""
    return _BY_APPLY_TO.get(apply_to, (*QUEUES, "exchange"))


def idle(definition: Mapping[str, Any], kind: str) -> tuple[str, ...]:
    """Return the keys that do nothing for a type of queue, or "exchange", though the policy applies; sorted."""
    return tuple(sorted(name for name in definition if (key := BY_NAME.get(name)) and kind not in key.types))
