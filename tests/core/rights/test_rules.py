"""What rules grant: of a thing, of the whole of one, through a token, as patterns."""

from __future__ import annotations

import pytest

from mqadmin.core.rights.rules import ALL, LEVELS, NONE, NOTHING, Rights, Rule, covers

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]

VIEW, OPERATE, CONFIGURE = LEVELS.values()
SHOP = Rights(
    ((Rule("prod", "shop", "*", OPERATE), Rule("prod", "*", "*", VIEW), Rule("*", "*", "a.*", OPERATE)),)
)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "anything", True),
        ("*", None, True),
        ("a", None, False),
        ("a*", None, False),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("a*", "Abc", False),
        ("a.*", "abc", False),
        ("*.dlq", "x.dlq", True),
        ("*.dlq", "x\n.dlq", True),
        ("a**b", "a b", True),
        ("[ab]", "a", False),
        ("a?", "ab", False),
        ("", "", True),
    ],
)
def test_patterns(pattern: str, name: str | None, expected: bool) -> None:
    assert covers(pattern, name) is expected


def test_the_most_of_the_rules() -> None:
    assert SHOP.level("prod", "shop", "q") == OPERATE
    assert SHOP.level("prod", "other", "q") == VIEW
    assert SHOP.level("prod", "other", "a.q") == OPERATE
    assert SHOP.level("test", "other", "q") == NONE


def test_the_whole_of_a_thing_needs_a_rule_for_all_of_it() -> None:
    assert SHOP.level("prod", "shop") == OPERATE
    assert SHOP.level("prod", "other") == VIEW
    assert SHOP.level("prod") == VIEW
    assert SHOP.level("test", "v") == NONE
    assert SHOP.everywhere == NONE
    assert SHOP.somewhere == OPERATE


def test_what_is_inside() -> None:
    assert SHOP.inside("prod") == OPERATE
    assert SHOP.inside("test") == OPERATE  # a queue called a.something
    assert Rights(((Rule("prod", "shop", "*", VIEW),),)).inside("prod", "other") == NONE


def test_a_token_takes_away_and_never_gives() -> None:
    token = SHOP.limited(Rule("prod", "shop", "q*", CONFIGURE))
    assert token.level("prod", "shop", "q1") == OPERATE
    assert token.level("prod", "shop", "a.1") == NONE
    assert token.level("prod", "shop") == NONE
    looking = ALL.limited(Rule(level=VIEW))
    assert looking.is_plain
    assert looking.everywhere == VIEW


def test_who_may_nothing_is_not_plain() -> None:
    assert not NOTHING.is_plain
    assert NOTHING.somewhere == NONE
    assert not NOTHING.limited(Rule()).is_plain


def test_revealing_needs_its_own_word_in_each_layer() -> None:
    team = Rights(((Rule("prod", "shop", "*", OPERATE, reveals=False),),))
    assert not team.reveals("prod", "shop", "q")
    assert not ALL.limited(Rule(reveals=False)).reveals("prod", "shop", "q")
    assert ALL.reveals("prod", "shop", "q")


def test_rights_come_back_from_json() -> None:
    known = SHOP.limited(Rule("p*", level=VIEW))
    assert Rights.from_json(known.as_json()) == known
