"""Patterns from strangers: useful ones work, explosive ones are refused before they run."""

from __future__ import annotations

import time

import pytest

from mqadmin.queues.patterns import BadPattern, compiled, matching

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
    ],
)
def test_useful_patterns_match(text: str, expected: list[str]) -> None:
    found = matching(compiled(text), NAMES)
    assert [name for name, matched in zip(NAMES, found, strict=True) if matched] == expected


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a|aa)+$",
        "(a*)*b",
        "(.*)(.*)(.*)b",
        "a+a+a+b",
        "a?" * 40 + "a" * 40,
        "(a|b|ab)" * 20,
        "(x+x+)+y",
        "(a*){8}b",
        "(?=a)b",
        "(a)\\1",
        "[",
        "a" * 201,
        "(?P<n>",
    ],
)
def test_explosive_or_broken_patterns_are_refused_at_once(text: str) -> None:
    start = time.monotonic()
    with pytest.raises(BadPattern):
        compiled(text)
    assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("text", [".*.*.*b", "^a+a+a+b", "a+a+b", "(a|ab)(c|bcd)(d*)"])
def test_the_worst_allowed_pattern_stays_within_the_budget(text: str) -> None:
    pattern = compiled(text)
    start = time.monotonic()
    try:
        assert not any(matching(pattern, ["a" * 255] * 10_000))
    except BadPattern:
        pass
    assert time.monotonic() - start < 3
