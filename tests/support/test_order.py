"""Who takes longest begins, on each worker; no test is left out or doubled; each name of a long one is one's."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from deploy import ROOT
from tests.support import order


@dataclass(frozen=True)
class Item:
    nodeid: str
    fixturenames: tuple[str, ...] = ()


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
def test_each_share_begins_with_its_long_ones(workers: int) -> None:
    long = [Item(f"{name}::{number}") for number in range(2) for name in order.LONG]
    others = [Item(f"tests/x/test_short.py::{number}") for number in range(500)]
    ordered = order.long_first([*others[:250], *long, *others[250:]], workers)
    assert sorted(ordered, key=str) == sorted([*long, *others], key=str)
    assert [item for item in ordered if item in others] == others
    begin, found = 0, []
    for worker in range(workers):  # as xdist cuts them
        end = begin + (len(ordered) - begin) // (workers - worker)
        share = [item in long for item in ordered[begin:end]]
        assert share == sorted(share, reverse=True)
        found.append(sum(share))
        begin = end
    assert sum(found) == len(long)
    assert max(found) - min(found) <= 2  # what stays together here: two
    assert ordered[0].nodeid.startswith(order.LONG[0])


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
def test_what_shares_a_thing_that_takes_long_is_one_workers(workers: int) -> None:
    shared = [Item(f"{name}::{number}") for number in range(9) for name in order.TOGETHER]
    shared += [
        Item(f"{path}::{name}", (name, "db"))
        for path in ("tests/x/test_short.py", order.LONG[0], "tests/y/test_short.py")
        for name in order.SHARED
    ]
    long = [Item(f"{name}::{number}") for number in range(3) for name in order.LONG]
    others = [Item(f"tests/x/test_short.py::{number}") for number in range(500)]
    ordered = order.long_first([*others, *shared, *long], workers)
    assert sorted(ordered, key=str) == sorted([*others, *shared, *long], key=str)
    begin = 0
    owners: dict[str, set[int]] = {}
    for worker in range(workers):  # as xdist cuts them
        end = begin + (len(ordered) - begin) // (workers - worker)
        for item in ordered[begin:end]:
            what = item.fixturenames[0] if item.fixturenames else item.nodeid.partition("::")[0]
            owners.setdefault(what, set()).add(worker)
        begin = end
    assert [name for name in (*order.TOGETHER, *order.SHARED) if len(owners[name]) != 1] == []


def test_what_is_named_as_long_is_there() -> None:
    for name in (*order.LONG, *order.TOGETHER):
        path, _, function = name.partition("::")
        assert (ROOT / path).exists(), name
        assert f"def {function}" in ((ROOT / path).read_text() if function else "def ")
