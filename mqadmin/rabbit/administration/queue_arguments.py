"""What a queue may be declared with: which type takes which argument, from which version of RabbitMQ on.

Tried on 3.10.8, 4.0.5 and 4.3.6, and read in the `capabilities` of RabbitMQ's queue types. Up to 4.2 a broker takes
an argument that it does not know, and does nothing with it; 4.3 refuses those that it knows of another type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Version = tuple[int, int]
Kind = Literal["number", "text", "flag", "choice", "age"]
TYPES = ("quorum", "classic", "stream")
TYPE = "x-queue-type"
DURABLE_ONLY = ("quorum", "stream")  # these refuse transient and auto-delete
AGE = re.compile(r"\d+[YMDhms]")
_LONGEST = 255  # bytes of a name
_CLASSIC, _QUORUM, _STREAM = ("classic",), ("quorum",), ("stream",)
_QUEUES = ("classic", "quorum")


@dataclass(frozen=True)
class Argument:
    """One argument: which types take it, from which version on and before which; `least` and `most` of a
    number."""

    name: str
    kind: Kind
    types: tuple[str, ...]
    since: Version = (0, 0)
    before: Version | None = None
    least: int = 0
    choices: tuple[str, ...] = ()
    most: int | None = None

    @property
    def field(self) -> str:
        """What a form calls it: x-message-ttl is message_ttl."""
        return self.name.removeprefix("x-").replace("-", "_")

    def taken_by(self, type: str, version: Version | None) -> bool:
        """Whether a queue of this type heeds it; of an unknown version the newest is taken."""
        return type in self.types and not self.too_old(version) and not self.too_new(version)

    def too_old(self, version: Version | None) -> bool:
        return version is not None and version < self.since

    def too_new(self, version: Version | None) -> bool:
        return self.before is not None and (version is None or version >= self.before)

    def fits(self, value: Any) -> bool:
        """Whether RabbitMQ can take the value."""
        if self.kind == "number":
            is_whole = isinstance(value, int) and not isinstance(value, bool)
            return is_whole and self.least <= value <= (value if self.most is None else self.most)
        if self.kind == "flag":
            return isinstance(value, bool)
        if not isinstance(value, str):
            return False
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "age":
            return AGE.fullmatch(value) is not None
        return "\0" not in value and len(value.encode("utf-8", "surrogatepass")) <= _LONGEST


ARGUMENTS = (
    Argument("x-message-ttl", "number", _QUEUES),
    Argument("x-expires", "number", _QUEUES, least=1),
    Argument("x-max-length", "number", _QUEUES),
    Argument("x-max-length-bytes", "number", ("classic", "quorum", "stream")),
    Argument("x-overflow", "choice", _QUORUM, choices=("drop-head", "reject-publish")),
    Argument("x-overflow", "choice", _CLASSIC, choices=("drop-head", "reject-publish", "reject-publish-dlx")),
    Argument("x-dead-letter-exchange", "text", _QUEUES),
    Argument("x-dead-letter-routing-key", "text", _QUEUES),
    Argument("x-dead-letter-strategy", "choice", _QUORUM, (3, 10), choices=("at-most-once", "at-least-once")),
    Argument("x-delivery-limit", "number", _QUORUM, least=-1),
    Argument(
        "x-delayed-retry-type", "choice", _QUORUM, (4, 3), choices=("disabled", "all", "failed", "returned")
    ),
    Argument("x-delayed-retry-min", "number", _QUORUM, (4, 3), least=1),
    Argument("x-delayed-retry-max", "number", _QUORUM, (4, 3), least=1),
    Argument("x-consumer-timeout", "number", _QUORUM, (4, 3), least=1),
    Argument("x-single-active-consumer", "flag", _QUEUES),
    Argument("x-max-priority", "number", _CLASSIC, least=1, most=255),
    Argument("x-quorum-initial-group-size", "number", _QUORUM, least=1),
    Argument("x-quorum-target-group-size", "number", _QUORUM, (3, 13), least=1),
    Argument(
        "x-queue-leader-locator",
        "choice",
        ("quorum", "stream"),
        before=(4, 0),
        choices=("client-local", "balanced"),
    ),
    Argument(
        "x-queue-leader-locator",
        "choice",
        ("classic", "quorum", "stream"),
        (4, 0),
        choices=("client-local", "balanced"),
    ),
    Argument("x-queue-mode", "choice", _CLASSIC, before=(3, 12), choices=("default", "lazy")),
    Argument("x-queue-version", "number", _CLASSIC, (3, 10), least=1),
    Argument(
        "x-queue-master-locator",
        "choice",
        _CLASSIC,
        before=(4, 0),
        choices=("client-local", "min-masters", "random"),
    ),
    Argument("x-max-age", "age", _STREAM),
    Argument("x-stream-max-segment-size-bytes", "number", _STREAM, least=1),
    Argument("x-stream-filter-size-bytes", "number", _STREAM, (3, 13), least=16, most=255),
    Argument("x-initial-cluster-size", "number", _STREAM, least=1),
)
_NAMED: dict[str, list[Argument]] = {}
for _argument in ARGUMENTS:
    _NAMED.setdefault(_argument.name, []).append(_argument)


@dataclass(frozen=True)
class Fault:
    """What is wrong with one argument: `code` is type, old, new or value."""

    argument: Argument
    code: Literal["type", "old", "new", "value"]


def offered(type: str, version: Version | None) -> list[Argument]:
    """Return the arguments that a queue of this type heeds on a broker of this version."""
    return [item for item in ARGUMENTS if item.taken_by(type, version)]


def faults(type: str, version: Version | None, arguments: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what of the arguments a queue of this type would refuse or ignore; of unknown ones nothing."""
    for name, value in arguments.items():
        known = _NAMED.get(name)
        if known is None:
            continue
        taken = next((item for item in known if item.taken_by(type, version)), None)
        if taken is not None:
            if not taken.fits(value):
                yield Fault(taken, "value")
            continue
        of_type = [item for item in known if type in item.types]
        if not of_type:
            yield Fault(known[0], "type")
        else:
            yield Fault(of_type[-1], "old" if of_type[-1].too_old(version) else "new")


def version_of(text: str) -> Version | None:
    """Return (4, 3) of "4.3.6", None for what is no version."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None
