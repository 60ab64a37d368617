"""Patterns from strangers: useful ones work, explosive ones take no longer, broken ones are refused in words."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from mqadmin.queues.search.patterns import BadPattern, compiled, matching

NAMES = ["order.created", "order.paid", "amq.gen-x", "Invoice.render", "a" * 255]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("^order\\.", ["order.created", "order.paid"]),
        ("(created|paid)$", ["order.created", "order.paid"]),
        ("invoice", ["Invoice.render"]),
        ("^[^.]+$", ["a" * 255]),
        (".*gen.*", ["amq.gen-x"]),
        (".*order.*paid.*", ["order.paid"]),
        (".*?order", ["order.created", "order.paid"]),
        ("\\.*", NAMES),
        ("^a{255}$", ["a" * 255]),
        ("^.{3}\\.", ["amq.gen-x"]),
        ("\\bgen\\b", ["amq.gen-x"]),
        ("^(?-i:i)", []),
        ("\\0", []),
    ],
)
def test_useful_patterns_match(text: str, expected: list[str]) -> None:
    found = matching(compiled(text), NAMES)
    assert [name for name, matched in zip(NAMES, found, strict=True) if matched] == expected


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("^заказ", "ЗАКАЗ.1", True),
        ("^.{5}$", "заказ", True),
        ("^\\pL+$", "заказ", True),
        ("^\\w+$", "заказ", False),  # ASCII, as RE2 has it
        ("é", "É", True),
        ("^.{7}$", "queue 😀", True),
    ],
)
def test_names_of_every_script_are_matched_by_characters(text: str, name: str, expected: bool) -> None:
    assert list(matching(compiled(text), [name])) == [expected]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(a+)+$", True),
        ("(a|aa)+$", True),
        ("(a*)*b", False),
        ("(.*)(.*)(.*)b", False),
        ("a+a+a+b", False),
        ("a?" * 40 + "a" * 40, True),
        ("(a|b|ab)" * 20, True),
        ("(x+x+)+y", False),
        ("(a*){8}b", False),
    ],
)
def test_explosive_patterns_take_no_longer_than_others(text: str, found: bool) -> None:
    # A backtracking engine takes years for the first name.
    assert list(matching(compiled(text), ["a" * 255] * 20)) == [found] * 20


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(?=a)b", "Back-references and look-around are not supported here."),
        ("(?<!a)b", "Back-references and look-around are not supported here."),
        ("(a)\\1", "Back-references and look-around are not supported here."),
        ("(?P<n>a)(?P=n)", "Back-references and look-around are not supported here."),
        ("[", "Not a valid pattern: missing ]: [."),
        ("(?P<n>", "Not a valid pattern: missing ): (?P<n>."),
        ("(?>a)", "Not a valid pattern: invalid perl operator: (?>."),
        ("é{1001}", "Not a valid pattern: invalid repetition size: {1001}."),
        ("\ud800", "Not a valid pattern: surrogates not allowed."),
        ("(((\\pL{100}){100}){100})", "Not a valid pattern: invalid repetition size: {100}."),
        ("\\pL{900}", "Not a valid pattern: pattern too large - compile failed."),
        ("a" * 201, "The pattern is longer than 200 characters."),
    ],
)
def test_what_cannot_be_matched_is_refused_in_words(
    text: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadPattern) as caught:
        compiled(text)
    assert str(caught.value) == words
    assert capfd.readouterr() == ("", "")


def test_threads_share_a_pattern() -> None:
    pattern = compiled("(a|b|ab)*c$")
    wrong: list[int] = []

    def match() -> None:
        for number in range(500):
            if list(matching(pattern, ["ab" * number + "c", "ab" * number])) != [True, False]:
                wrong.append(number)

    threads = [threading.Thread(target=match) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    "text", [".*.*.*b", "^a+a+a+b", "a+a+b", "(a|ab)(c|bcd)(d*)", "(a?){999}b", "(.|..|...){300}z"]
)
def test_the_worst_allowed_pattern_comes_to_an_end(text: str) -> None:
    with suppress(BadPattern):  # where the budget ends first
        assert not any(matching(compiled(text), ["a" * 255] * 10_000))
