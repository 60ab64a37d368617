"""Where a collector finds its sink: `mqadmin.deadletters` registers one, which `consumers` may not import."""

from __future__ import annotations

from collections.abc import Callable

from consumers.models import Consumer
from consumers.runtime.sink import WindowSink

SinkFactory = Callable[[Consumer], WindowSink]

_factories: list[SinkFactory] = []


def register(factory: SinkFactory) -> None:
    """Make `factory` the source of letter sinks, one per collector process. Called while apps get ready."""
    _factories[:] = [factory]


def sink(consumer: Consumer) -> WindowSink:
    """Return a sink for the queue of `consumer`. Raises LookupError when nobody registered one."""
    if not _factories:
        raise LookupError("no app stores captured letters")
    return _factories[0](consumer)
