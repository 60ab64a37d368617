"""The entries of a list: read as `json` reads the whole, and only where they are new."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mqadmin.rabbit.management_api import entries
from mqadmin.rabbit.management_api.entries import Entry, Kept

ODD = (
    '{"name": "a,b}]{[\\"", "arguments": [], "messages": 3}',
    '{"name": "orders\\ud83d\\ude00", "messages": 1e400}',
    '{"name": "", "arguments": {"x": 123456789012345678901234567890}}',
    '{"name": "\\u202e<script>", "rate": 0.1, "twice": 1, "twice": 2}',
    '"a text"',
    "null",
    "[1, [2]]",
)


@pytest.mark.parametrize("odd", ODD)
def test_an_entry_is_read_as_the_whole_list_would_be(odd: str) -> None:
    found = entries.split(f'[ {{"name": "first"}} ,{odd}]'.encode())
    assert found is not None
    assert [entries.read(entry) for entry in found] == [{"name": "first"}, json.loads(odd)]


def test_a_nul_character_is_shown() -> None:
    (entry,) = entries.split(rb'[{"name": "a\u0000b", "arguments": {"x\u0000": ["\u0000"]}}]') or ()
    assert entries.read(entry) == {"name": "a\u2400b", "arguments": {"x\u2400": ["\u2400"]}}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"items": []}', b"[1, 2", b'["\xff"]', b"<html>", rb'["\ud800"]']
)
def test_what_is_no_list_or_must_be_read_as_a_whole_is_none(content: bytes) -> None:
    assert entries.split(content) is None


def test_only_what_is_new_is_read() -> None:
    kept: Kept[Any] = Kept()
    read: list[bytes] = []

    def make(entry: Entry) -> Any:
        read.append(bytes(entry))
        return entries.read(entry)

    def lists(*texts: str) -> list[Any]:
        read.clear()
        return kept.read(entries.split(f"[{','.join(texts)}]".encode()) or (), make)

    first = lists('{"a":1}', '{"b":1}')
    again = lists('{"b":1}', '{"a":2}', '{"c":1}')
    assert again == [{"b": 1}, {"a": 2}, {"c": 1}]
    assert again[0] is first[1]
    assert read == [b'{"a":2}', b'{"c":1}']
    lists('{"a":1}')  # of a list before the last nothing is kept
    assert read == [b'{"a":1}']
