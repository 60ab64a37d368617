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


class Named(Protocol):
    """What has a name as pytest's items have one."""

    nodeid: str


T = TypeVar("T", bound=Named)


def long_first(items: Sequence[T], workers: int) -> list[T]:
    """Deal the long ones to the workers, whose shares they begin: at the end all would wait for who has one.

    Each worker of `--dist worksteal` gets an equal share of the items in their order, and when it has no more, the
    last ones of another's. The others stay in the order that they are in.
    """
    long = sorted((item for item in items if _rank(item) < len(LONG)), key=_rank)
    others = [item for item in items if _rank(item) == len(LONG)]
    dealt: list[T] = []
    for worker in range(workers):
        share = (len(items) - len(dealt)) // (workers - worker)
        begin = long[worker::workers]
        room = max(share - len(begin), 0)
        dealt += [*begin, *others[:room]]
        del others[:room]
    return dealt + others


def _rank(item: Named) -> int:
    return next((at for at, begin in enumerate(LONG) if item.nodeid.startswith(begin)), len(LONG))
