"""What a republished message must not carry, by what it is republished for: the one place that decides it. Pure.

Whatever the purpose, `CC` and `BCC` get another name, and so does a `user_id` other than one's own, for which
RabbitMQ closes the channel. What the message at hand has goes before what an earlier copy noted under that name:
RabbitMQ has checked the one, and anybody can have written the other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, reduce
from operator import or_
from typing import Any

from mqadmin.rabbit.headers import (
    ATTEMPT,
    COUNTS,
    FAILURES_OF,
    FAILURES_OF_RABBITMQ,
    IN_DOUBT,
    ORIGIN_EXCHANGE,
    ORIGIN_ROUTING_KEY,
    ORIGINAL_DEATHS,
    ORIGINAL_EXPIRATION,
    ORIGINAL_USER_ID,
    OWN_TRACEPARENT,
    RENAMED,
    RETRY_ID,
    X_DEATH,
    Names,
)
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.reading import frameworks

# As the names stand in a table of AMQP: the length, then the text.
_CC, _BCC = (bytes([len(name)]) + name.encode() for name in RENAMED)


@dataclass(frozen=True)
class Purpose:
    """What a copy is published for.

    `without`: the headers that do not go with it; all others do, as they are. `keeps_ttl`: whether it may expire as
    the message could; else the TTL becomes a header. `is_persistent`: it is, whatever the message was.
    """

    without: Names = field(default_factory=Names)
    keeps_ttl: bool = False
    is_persistent: bool = False

    def headers(self, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the headers of the copy, the caller's to add to. Names that are no text stay."""
        if not given:
            return {}
        names, prefixes = self.without.whole, self.without.prefixes
        if prefixes:
            # A header name off the wire that is not UTF-8 arrives as bytes.
            kept = {
                name: value
                for name, value in given.items()
                if name not in names and not (isinstance(name, str) and name.startswith(prefixes))
            }
        else:
            kept = {name: value for name, value in given.items() if name not in names}
        return _renamed(kept) if routes(kept) else kept

    def properties(
        self, given: Properties, headers: dict[str, Any], *, username: str | None = None
    ) -> Properties:
        """Return the properties of the copy with `headers`, to which is added what becomes one.

        `username`: of the connection that publishes; its own `user_id` may stay. None: nobody's does.
        """
        values = {**vars(given)}
        self.put_aside(values, headers, username=username)
        values["headers"] = headers if headers or given.headers is not None else None
        return Properties(**values)

    def put_aside(
        self, values: dict[str, Any], headers: dict[str, Any], *, username: str | None = None
    ) -> None:
        """Make properties, by their names, those of the copy; what becomes a header goes into `headers`."""
        if self.is_persistent:
            values["delivery_mode"] = 2
        expiration, user_id = values.get("expiration"), values.get("user_id")
        if expiration is not None and not self.keeps_ttl:
            headers[ORIGINAL_EXPIRATION] = expiration
            values["expiration"] = None
        if user_id is not None and user_id != username:
            headers[ORIGINAL_USER_ID] = user_id
            values["user_id"] = None


# A letter or a recorded message is to be handled once more from the start: what speaks of its failure would be
# taken for a new one. The requeue id is the caller's to set. A TTL could kill the copy at once. What RabbitMQ and
# mqadmin wrote goes always: here, where no other framework has failed.
REQUEUE = Purpose(FAILURES_OF_RABBITMQ | FAILURES_OF[frameworks.OURS])


def requeue(captured: Mapping[str, Any], *, keep: bool = False) -> Purpose:
    """Return the purpose of a requeue of a message that was captured with these headers, whatever became of them
    since: those of another framework go only where it is recognised as the one that gave the message up, and
    never with `keep`. The same object for the same frameworks."""
    return _requeue(() if keep else frameworks.recognised(captured))


@cache  # of a handful of frameworks
def _requeue(failed: tuple[str, ...]) -> Purpose:
    others = [FAILURES_OF[name] for name in failed if name != frameworks.OURS]
    return Purpose(reduce(or_, others, REQUEUE.without)) if others else REQUEUE


def left_behind(given: Mapping[str, Any], purpose: Purpose) -> dict[str, list[str]]:
    """Return the names of the headers that a requeue for `purpose` leaves behind, by who writes them."""
    found: dict[str, list[str]] = {}
    for name in given:
        if purpose.without.has(name):
            owner = next((of for of, names in _OWNERS if names.has(name)), frameworks.RABBITMQ)
            found.setdefault(owner, []).append(str(name))
    return found


_OWNERS: Collection[tuple[str, Names]] = ((frameworks.RABBITMQ, FAILURES_OF_RABBITMQ), *FAILURES_OF.items())

# The next attempt of a message that failed: its history goes on, and `deaths_aside` sees to its `x-death`. A TTL
# would let it die where it waits. What was in doubt is so for one wait only. Persistent, as nothing may be lost
# that waits for its ack elsewhere.
RETRY = Purpose(Names(frozenset((IN_DOUBT,))), is_persistent=True)

# The copy for the dead letters: all that the message has tells of its end. Of the rest as a retry's.
DEAD_LETTER = Purpose(Names(frozenset((IN_DOUBT,))), is_persistent=True)

# The message goes on to others, as it was published: nothing tells of the way to the consumer that forwards it,
# which the copy begins anew. What an earlier failure left is theirs to read, if it was a dead letter.
FORWARD = Purpose(
    Names(
        frozenset((ATTEMPT, IN_DOUBT, RETRY_ID, ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY, OWN_TRACEPARENT))
        | COUNTS
    ),
    keeps_ttl=True,
)

# The same message at the end of its own queue. A count that a client published would be believed until the broker
# writes its own.
LOOK = Purpose(Names(COUNTS), keeps_ttl=True)

# The same message in another queue.
MOVE = Purpose(keeps_ttl=True)


def routes(headers: Mapping[str, Any]) -> bool:
    """Whether RabbitMQ would route a message by these headers too."""
    return "CC" in headers or "BCC" in headers


def may_route(encoded: bytes) -> bool:
    """Whether RabbitMQ would perhaps route by properties that are encoded as these are; False is certain."""
    return _CC in encoded or _BCC in encoded


def _renamed(headers: Mapping[str, Any]) -> dict[str, Any]:
    stale = {other for name, other in RENAMED.items() if name in headers}
    return {RENAMED.get(name, name): value for name, value in headers.items() if name not in stale}


def deaths_aside(headers: dict[str, Any], queue: str, *, delays: str, go_on: bool) -> dict[str, Any]:
    """Keep a message's deaths under another name where they would be lost, or in the way, on its way to `queue`.

    The way leads through a delay queue, whose name begins with `delays`, and out of it by expiring. RabbitMQ 4
    begins `x-death` anew then. Earlier versions `go_on` with it, but take the way back for a circle, and the copy
    would never come, where it says that the message died in `queue` before and nobody rejected it since
    (rabbit_dead_letter:is_cycle/2, tried on 3.10.8).
    """
    deaths = headers.get(X_DEATH)
    if not isinstance(deaths, list):
        return headers
    found = [death for death in deaths if isinstance(death, dict)]
    is_ours = all(str(death.get("queue")).startswith(delays) for death in found)
    if not is_ours and (not go_on or _is_circle(found, queue)):
        earlier = headers.get(ORIGINAL_DEATHS)
        headers[ORIGINAL_DEATHS] = headers.pop(X_DEATH) + (earlier if isinstance(earlier, list) else [])
    return headers


def _is_circle(deaths: Sequence[dict[str, Any]], queue: str) -> bool:
    """Whether RabbitMQ takes a way to `queue` for one: `deaths`, newest first."""
    since: list[Any] = []
    for death in deaths:
        since.append(death.get("reason"))
        if death.get("queue") == queue:
            return "rejected" not in since
    return False
