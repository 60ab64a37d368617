"""What of a sample goes into history: a broker's totals, its nodes, every queue that outlives a connection.

The apps above add what they know of the broker: managed consumers, causes of dead letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter

from mqadmin.history import folding, kinds, steps
from mqadmin.history.recording import Key, Raw, Recorder
from mqadmin.rabbit.types import NodeInfo, QueueInfo

_of_queue = attrgetter(*(number.name for number in kinds.QUEUE if number.name != "oldest"))
_of_node = attrgetter(*(number.name for number in kinds.NODE))
_BROKER = tuple(number.name for number in kinds.BROKER)

Source = Callable[[str], Mapping[Key, Raw]]
_sources: list[Source] = []


def register_source(function: Source) -> None:
    """Have `function(broker_slug)` asked at each sample for more that is to be kept.

    A few queries, no broker call. It may raise django.db.Error. Called in each AppConfig.ready().
    """
    if function not in _sources:
        _sources.append(function)


class History:
    """Records the samples of one broker. For one thread. `record` raises django.db.Error; after that, `forget`."""

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self._recorder: Recorder | None = None

    def forget(self) -> None:
        """Begin anew from the stored rows at the next sample."""
        self._recorder = None

    def record(
        self,
        totals: Mapping[str, float],
        nodes: Iterable[NodeInfo],
        infos: Iterable[QueueInfo],
        oldest: Mapping[tuple[str, str], int | None],
        at: float,
    ) -> None:
        """Store what changed since the last sample, and fold a span that is over. `oldest`: since when the oldest
        message of each queue waits."""
        configured = steps.configured()
        if self._recorder is None:
            self._recorder = Recorder(self._slug, configured, gap=steps.gap())
        sample = _sample(totals, nodes, infos, oldest, at)
        for source in _sources:
            sample.update(source(self._slug))
        self._recorder.record(at, sample)
        folding.fold(self._slug, configured, at)


def _sample(
    totals: Mapping[str, float],
    nodes: Iterable[NodeInfo],
    infos: Iterable[QueueInfo],
    oldest: Mapping[tuple[str, str], int | None],
    at: float,
) -> dict[Key, Raw]:
    # Names that the broker makes up, and queues of one connection, come and go by the thousand.
    found: dict[Key, Raw] = {
        Key("queue", info.vhost, info.name): (*_of_queue(info), _waits(info, oldest.get(info.key), at))
        for info in infos
        if not info.exclusive and not info.name.startswith("amq.gen-")
    }
    found.update((Key("node", "", node.name), _of_node(node)) for node in nodes if node.running)
    found[Key("broker", "", "")] = tuple(totals.get(name) for name in _BROKER)
    return found


def _waits(info: QueueInfo, oldest_at: int | None, at: float) -> int | None:
    """Return how long the oldest message waits: 0 where none does, None where it is not known."""
    if oldest_at is not None:
        return kinds.coarse(max(at - oldest_at, 0))
    return 0 if info.ready == 0 and info.type != "stream" else None
