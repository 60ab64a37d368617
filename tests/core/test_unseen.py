"""What cannot be seen, as it is written where there is no markup; and by which name one may go on."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.core import unseen

# Drawn, though Unicode counts them among the formats: marks of numbers and verses in Arabic, Syriac and Kaithi.
DRAWN = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# They have no shape, though Unicode counts them among letters, marks and symbols.
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u2800\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef"


def test_all_that_unicode_calls_without_a_shape_is_written_out() -> None:
    signs = [chr(code) for code in range(sys.maxunicode + 1) if code not in DRAWN]
    bare = [
        sign for sign in signs if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp", "Zs", "Co", "Cs")
    ]
    passed = {sign for sign in [*bare, *FILLERS] if unseen.plain(f"a{sign}b") == f"a{sign}b"}
    assert passed == {" "}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("orders", "orders"),
        ("grüße.漢字 🐇", "grüße.漢字 🐇"),
        ("a\u202eb", "a[U+202E]b"),
        ("a\U000e0041", "a[U+E0041]"),
        (" a  b ", "[U+0020]a[U+0020][U+0020]b[U+0020]"),
        ("a\tb\n", "a[U+0009]b[U+000A]"),
        ("[U+202E]", "[U+005B]U+202E]"),
        ("[U+]", "[U+]"),
    ],
)
def test_a_name_without_markup(name: str, written: str) -> None:
    assert unseen.plain(name) == written


@given(*[st.text(alphabet="a[]U+2002E \u202e\u200b", max_size=14)] * 2)
def test_no_two_names_are_written_alike(one: str, other: str) -> None:
    assert (unseen.plain(one) == unseen.plain(other)) == (one == other)


def test_a_text_keeps_its_lines_and_the_numbers_of_ours() -> None:
    assert unseen.lines("1\xa0284 of\n\t6.4\xa0GB ⚠\ufe0f") == "1\xa0284 of\n\t6.4\xa0GB ⚠\ufe0f"
    assert unseen.lines("a\xa01\ufe0f") == "a[U+00A0]1[U+FE0F]"


def test_what_runs_from_right_to_left_stands_apart() -> None:
    assert unseen.lines("of אב גד 12", isolate=True) == "of \u2068אב גד\u2069 12"


@pytest.mark.parametrize("typed", ["a\u202eb", "a[U+202E]b", " a[U+202E]b "])
def test_a_name_may_be_typed_as_it_is_written(typed: str) -> None:
    assert unseen.is_typed(typed, "a\u202eb")
    assert not unseen.is_typed("ab", "a\u202eb")


def test_letters_of_another_script_in_a_latin_word() -> None:
    assert unseen.strangers("pаyments") == [(1, "а")]
    assert unseen.strangers("платежи.orders.漢字") == []
