"""What a box of the map's picture holds."""

from __future__ import annotations

import pytest

from mqadmin.core import unseen
from mqadmin.deadletters.map.drawing import Box


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("orders", "orders"),
        ("a-queue-with-a-name-that-is-too-long", "a-queue-with-a…s-too-long"),
        ("a\u202eb" * 20, "a\u202eba…a\u202eb"),
    ],
)
def test_a_name_has_room_in_its_box(name: str, shown: str) -> None:
    box = Box("key", [name], "source", "", name)
    assert box.shown == shown
    assert len(unseen.lines(box.shown)) <= 25
