"""A body as it is shown and typed, in every way: what comes back is byte for byte what was typed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.deadletters.letter import bodytext
from mqadmin.deadletters.letter.bodytext import Unreadable


@given(st.binary(max_size=300))
def test_every_way_gives_back_the_same_bytes(body: bytes) -> None:
    best, *others = bodytext.ways(body)
    for way in (best, *(way for way in others if way != "json")):  # a way that refuses what is no JSON
        assert bodytext.read(bodytext.written(body, way), way) == body


@given(st.text(st.sampled_from("a{\r\n\u2028"), max_size=30))
def test_text_that_nobody_touched_keeps_its_line_breaks(text: str) -> None:
    as_sent = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")  # by a browser
    assert bodytext.restored(as_sent, text.encode()) == text


@pytest.mark.parametrize(
    ("before", "typed", "becomes"),
    [
        (b"a\nb", "a\r\nc", "a\nc"),
        (b"a\r\nb", "a\r\nc", "a\r\nc"),
        (b"a\r\nb\nc", "a\r\nb\r\nd", "a\nb\nd"),
        (b"ab", "a\r\nb", "a\nb"),
        (b"\xff", "a\r\nb", "a\nb"),
    ],
)
def test_changed_text_keeps_the_kind_of_line_break(before: bytes, typed: str, becomes: str) -> None:
    assert bodytext.restored(typed, before) == becomes
    assert bodytext.has_mixed_ends(before) is (before == b"a\r\nb\nc")


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        (b'{"a": 1}', ["json", "utf-8", "hex"]),
        (b"7", ["utf-8", "json", "hex"]),
        (b"{", ["utf-8", "json", "hex"]),
        (b"\xff", ["hex"]),
        (b"a\0b", ["hex"]),
        (b"", ["utf-8", "json", "hex"]),
        (b"\xff" * 65_537, ["base64"]),
        (b"x" * 65_537, ["utf-8", "json"]),
    ],
)
def test_the_best_way_comes_first(body: bytes, ways: list[str]) -> None:
    assert bodytext.ways(body) == ways


@pytest.mark.parametrize(
    ("text", "way", "at", "words"),
    [
        ("00 01\n02 0g", "hex", 10, "Line 2, column 5: “g” is no hex digit."),
        ("00 1", "hex", 3, "Line 1, column 4: a byte has two hex digits, “1” stands alone."),
        ("00\n0é", "hex", 4, "Line 2, column 2: “é” is no hex digit."),
        ("٣٣", "hex", 0, "Line 1, column 1: “٣” is no hex digit."),
        ('{"a": 1,\n "b" 2}', "json", 14, "Not JSON. Line 2, column 6: Expecting ':' delimiter."),
        ("[NaN]", "json", None, "Not JSON: it has no NaN."),
        ("%%%", "base64", None, "Not base64."),
        ("00" * 65_537, "hex", None, "Hex is for bodies of at most 64 kB: this one is longer."),
    ],
)
def test_what_cannot_be_read_is_blamed_at_its_place(text: str, way: str, at: int | None, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        bodytext.read(text, way)
    assert (caught.value.at, caught.value.text) == (at, words)


def test_hex_digits_may_be_typed_in_any_shape() -> None:
    assert bodytext.read(" DE ad\r\n\tbeef\n", "hex") == b"\xde\xad\xbe\xef"
    assert bodytext.read("", "hex") == b""


def test_json_is_checked_and_not_rewritten() -> None:
    text = '{ "n": 1.0000000000000000001, "n": ' + "9" * 5_000 + " }\n"
    assert bodytext.read(text, "json") == text.encode()
    with pytest.raises(Unreadable, match="nested too deep"):
        bodytext.read("[" * 200_000, "json")
    assert json.loads(bodytext.read("[1]", "json")) == [1]


def test_rows_have_offset_digits_and_ascii_and_end_at_64_kb() -> None:
    body = bytes(range(40))
    assert bodytext.rows(body)[2] == ("00000020", "20 21 22 23 24 25 26 27", " !\"#$%&'")
    long = bodytext.rows(b"x" * 200_000)
    assert (len(long), long[-1][0]) == (4_096, "0000fff0")


def test_the_line_of_a_fault_is_cut_on_both_sides() -> None:
    text = "first\n" + "a" * 100 + "!" + "b" * 100 + "\nlast"
    before, blamed, after = bodytext.around(text, 106)
    assert (before, blamed, after) == ("…" + "a" * 60, "!", "b" * 60)
    assert bodytext.around("ab", 2) == ("ab", "", "")
