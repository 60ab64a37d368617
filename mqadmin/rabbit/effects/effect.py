"""What a change would do, as data: the words are found elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mqadmin.rabbit.effects.effective import Applied
from mqadmin.rabbit.effects.routes import RouteChange
from mqadmin.rabbit.types import BindingInfo

Level = Literal["loses", "stops", "unknown", "tells"]
"""`loses`: messages are lost, now or from now on. `stops`: something goes, or does not go on. `unknown`: it cannot
be told. `tells`: to be known before."""
ORDER: tuple[Level, ...] = ("loses", "stops", "unknown", "tells")

Code = Literal[
    # of the virtual host
    "vhost_gone",  # `queues`, `messages`, `connections` (None: not known)
    "queues_full",  # `limit`, `count`: no queue may be declared any more
    "queues_open",  # `count`, `limit` (None: none): queues may be declared again
    "connections_full",  # `limit`, `count`: no connection may be opened; those that are open stay
    "connections_open",
    "hidden",  # `what`: the account may not read it
    # of what is declared
    "exists",  # `kind`, `name`: it is there as it is, nothing changes
    "differs",  # `kind`, `name`: one with other properties is there, the broker refuses
    "no_room",  # `limit`: the virtual host has as many queues as it may, the broker refuses
    "missing",  # `kind`, `name`: it is not there, the broker refuses or does nothing
    # of an exchange, `exchange`
    "exchange_deleted",
    "exchange_goes_along",  # auto-delete, its last binding goes
    "refused",  # `keys`: whoever publishes to it with one of them (None: with any other) loses the channel
    "unroutable",  # `routing_key`: such messages reach no queue any more
    "stops_getting",  # `queue`, `routing_key`, `sure`
    "starts_getting",  # `queue`, `routing_key`, `sure`
    # of a queue, `queue`
    "deleted",  # `messages`, `unacked`: those are lost
    "purged",  # `messages`
    "consumers_cut",  # `count`
    "dropped",  # `count`, `about`, `limit`, `in_bytes`: at once, from the head
    "dead_lettered",  # the same, and `exchange`, `to`: names of queues that they reach, or may
    "perhaps_dropped",  # `count` at most: it depends on which policy applies
    "queue_expires",  # `ms`, `messages`, `in_use`: it is deleted once unused for so long
    "ttl_shorter",  # `ms`, `exchange` (None: lost): of messages that come from now on
    "ttl_longer",  # `ms` (None: none), `messages`: what is in it keeps the time it came with
    "full",  # `overflow`, `limit`: it is full, and refuses what comes
    "letters_lost",  # `exchange`, `why`: missing or nowhere; of dead letters from now on
    "letters_go",  # `exchange`, `before`, `after`: names of queues
    "no_letters",  # `exchange`: what was dead-lettered to it is dropped from now on
    "delivery_limit",  # `before`, `after`: who was returned more often goes at the next return
    "retention",  # a stream gives up its oldest segments: which, cannot be told
    "unclear",  # `policies`: which one applies cannot be told
    "passed_over",  # `policy`, `keys`: not for queues of this type, so that it does not apply at all
]


@dataclass(frozen=True)
class Statement:
    """One thing that the change does. `queue`: "" for one that is of no queue."""

    code: Code
    level: Level
    queue: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueEffect:
    """What becomes of one queue. `before` None: it is made; `after` None: it goes.

    `ready`, `total`, `consumers`: after it, where they can be told, else None. With `about` they go by the mean
    size of its messages.
    """

    queue: str
    type: str
    before: Applied | None
    after: Applied | None
    ready: int | None = None
    consumers: int | None = None
    about: bool = False
    statements: tuple[Statement, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the effective definition that change; sorted."""
        old, new = (item.definition if item else {} for item in (self.before, self.after))
        return tuple(sorted(key for key in {**old, **new} if old.get(key) != new.get(key)))


@dataclass(frozen=True)
class Effect:
    """What a change would do. `queues`: those that it touches, by name. `statements`: all, the worst first."""

    queues: tuple[QueueEffect, ...] = ()
    exchanges_gone: tuple[str, ...] = ()
    exchanges_new: tuple[str, ...] = ()
    bindings_gone: tuple[BindingInfo, ...] = ()
    bindings_new: tuple[BindingInfo, ...] = ()
    routes: tuple[RouteChange, ...] = ()
    exchange_policies: Mapping[str, tuple[Applied, Applied]] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether the broker would refuse the change, so that nothing happens."""
        return any(item.code in ("differs", "no_room", "missing") for item in self.statements)

    @property
    def worst(self) -> Level | None:
        return self.statements[0].level if self.statements else None
