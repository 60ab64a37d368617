"""The order of the tests: those that take many times longer than most begin, each worker with its share of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

# How their names begin, the longest first.
LONG = (
    "tests/deploy/test_up.py",
    "tests/deploy/test_installed.py",
    "tests/browser/test_every_page.py",
    "tests/faults/soak/test_exactness.py",
    "tests/browser/test_message_life.py",
    "tests/browser/test_below_a_path.py",
    "tests/browser/test_every_noun.py",
    "tests/core/api/test_strictness.py::test_every_value",
    "tests/queues/monitor/test_oldest.py",
    "tests/faults/",
    "tests/alerts/test_troubles.py",
    "tests/core/test_base_path.py::test_no_",
    "tests/core/pages/test_names.py",
    "tests/deadletters/real/",
    "tests/queues/monitor/test_stages.py",
    "tests/queues/monitor/test_losing.py",
    "tests/queues/monitor/cluster/",
    "tests/administration/test_converting.py",
    "tests/consumers/supervisor/live/",
    "tests/consumers/demo/",
    "tests/browser/",
)
# What the tests of such a module share takes longer to make than they take: a node, the manual, users at work. So
# does what these fixtures have for all of a process. Each worker that had one of the tests would make it anew.
TOGETHER = (
    "tests/deploy/test_manual.py",
    "tests/queues/monitor/cluster/test_real_trouble.py",
    "tests/administration/test_protocols.py",
    "tests/administration/test_moving.py",
    "tests/rabbit/effects/test_access.py",
)
SHARED = ("restartable_broker", "tls_broker")


class Named(Protocol):
    """What has a name as pytest's items have one."""

    nodeid: str


T = TypeVar("T", bound=Named)


def long_first(items: Sequence[T], workers: int) -> list[T]:
    """Deal the long ones to the workers, whose shares they begin: at the end all would wait for who has one.

    So begin those that share something, all of them on one worker.

    Each worker of `--dist worksteal` gets an equal share of the items in their order, and when it has no more, the
    last ones of another's. The others stay in the order that they are in.
    """
    begins = [_rank(item) < len(LONG) or _shared(item) != "" for item in items]
    long = _units(sorted((item for item, is_long in zip(items, begins, strict=True) if is_long), key=_rank))
    others = [item for item, is_long in zip(items, begins, strict=True) if not is_long]
    dealt: list[T] = []
    for worker in range(workers):
        share = (len(items) - len(dealt)) // (workers - worker)
        begin = [item for unit in long[worker::workers] for item in unit]
        room = max(share - len(begin), 0)
        dealt += [*begin, *others[:room]]
        del others[:room]
    return dealt + others


def _units(items: Sequence[T]) -> list[list[T]]:
    """Return what is dealt to a worker as a whole: each test by itself, or all that share something."""
    units: dict[str, list[T]] = {}
    for item in items:
        units.setdefault(_shared(item) or item.nodeid, []).append(item)
    return list(units.values())


def _shared(item: Named) -> str:
    """Return what a test shares with others, "" for nothing."""
    fixtures: Sequence[str] = getattr(item, "fixturenames", ())
    module = item.nodeid.partition("::")[0]
    return next((name for name in SHARED if name in fixtures), module if module in TOGETHER else "")


def _rank(item: Named) -> int:
    return next((at for at, begin in enumerate(LONG) if item.nodeid.startswith(begin)), len(LONG))
