"""What a right allows, and how it is called."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mqadmin.rabbit.topology import rights
from mqadmin.rabbit.topology.rights import Reach, Who


@dataclass(frozen=True)
class Granted:
    user: str
    configure: str = ""
    write: str = ""
    read: str = ""


@pytest.mark.parametrize(
    ("expression", "reach"),
    [
        ("", Reach("nothing")),
        ("^$", Reach("nothing")),
        (".*", Reach("everything")),
        ("^", Reach("everything")),
        (r"^orders\.", Reach("begins", ("orders.",))),
        (r"^orders\..*$", Reach("begins", ("orders.",))),
        (r"^orders$", Reach("exactly", ("orders",))),
        (r"^(a|b\.c)$", Reach("exactly", ("a", "b.c"))),
        (r"^(a|b)", Reach("begins", ("a", "b"))),
        (r"\.dlq$", Reach("ends", (".dlq",))),
        ("orders", Reach("has", ("orders",))),
        (r"a\|b", Reach("has", ("a|b",))),
        # What only looks like one of these is shown as it is.
        ("a|b", Reach("matches", ("a|b",))),
        ("^a|b$", Reach("matches", ("^a|b$",))),
        ("^orders.", Reach("matches", ("^orders.",))),
        (r"^\d", Reach("matches", (r"^\d",))),
        ("^a+", Reach("matches", ("^a+",))),
        ("^a?", Reach("matches", ("^a?",))),
        ("^(a|b", Reach("matches", ("^(a|b",))),
    ],
)
def test_an_expression_in_plain_terms(expression: str, reach: Reach) -> None:
    assert rights.reach(expression) == reach


def test_who_may_use_it() -> None:
    granted = [
        Granted("all", write=".*"),
        Granted("mine", write="^orders"),
        Granted("other", write="^bills"),
        Granted("none"),
        Granted("odd", write="(?<=x)orders"),
    ]
    assert rights.who(granted, "write", "orders.new") == Who(("all", "mine"), ("odd",))
    assert rights.who(granted, "write", "") == Who(("all",), ("odd",))
    assert rights.who([Granted("it", write=r"^amq\.default$")], "write", "") == Who(("it",), ())
    assert rights.who(granted, "read", "orders.new") == Who((), ())


def test_what_stands_for_a_user_in_a_topic_is_replaced() -> None:
    told = {"user": "ann", "vhost": "shop"}
    assert rights.allows_topic("^{username}-{vhost}", "ann-shop.x", **told) is True
    assert rights.allows_topic("^{username}-{vhost}", "bob-shop.x", **told) is False
    assert rights.allows_topic("^{client_id}", "ann", **told) is None
