"""Queries and letters for property-based tests."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from mqadmin.core.query.lexer import quote
from mqadmin.deadletters.search.query import fields

WORDS = (
    "orders",
    "Timeout",
    "timeout",
    "acme",
    "shop",
    "ord-1",
    "É",
    "é",
    "a.b",
    "100%",
    "_",
    "x\\y",
    "*",
    "ord*",
)
_NUMBERS = ("0", "1", "5", "1000", "-2", "1.5", "007", "1e3")
_TIMES = ("2h", "90s", "3d", "2026-11-21", "2026-11-21T10:00", "2026-11-21T10:00:30Z")
_PATHS = ("tenant", "n", "order.id", "a.b", "items.sku", "items.0", "deep.list", "missing")


@st.composite
def _condition(draw: st.DrawFn) -> str:
    field = draw(st.sampled_from(list(fields.FIELDS.values())))
    order = st.sampled_from([":", "=", ">", "<", ">=", "<="])
    equal = st.sampled_from([":", "=", "!="])
    word = st.sampled_from(WORDS) | st.sampled_from(WORDS).map(quote)
    match field.kind:
        case "choice" | "flag":
            return f"{field.name}{draw(equal)}{draw(st.sampled_from(field.choices))}"
        case "number":
            sign = draw(order | st.just("!="))
            return f"{field.name}{sign}{draw(st.integers(0, 6) | st.integers(0, 10**18 - 1))}"
        case "moment":
            return f"{field.name}{draw(order)}{draw(st.sampled_from(_TIMES))}"
        case "table":
            value = draw(word | st.sampled_from(_NUMBERS) | st.sampled_from(("true", "null")))
            return f"{field.name}.{draw(st.sampled_from(_PATHS))}{draw(order | equal)}{value}"
        case _:
            return f"{field.name}{draw(equal)}{draw(word)}"


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return (
        st.tuples(parts, st.sampled_from([" ", " and ", " or "]), parts).map("".join)
        | parts.map(lambda part: f"({part})")
        | parts.map(lambda part: f"-({part})")
        | parts.map(lambda part: f"not ({part})")
    )


def valid_queries() -> st.SearchStrategy[str]:
    """Queries that can be read."""
    plain = st.sampled_from([word for word in WORDS if word != "*"])
    return st.recursive(_condition() | plain | plain.map(quote), _joined, max_leaves=6)


def any_queries() -> st.SearchStrategy[str]:
    """Anything: text, and the pieces of queries in any order."""
    signs = ["(", ")", "-", "not ", " or ", " and ", '"', ":", ">=", ".", "*", "\\", " "]
    pieces = st.sampled_from([*signs, "source:", "payload.", "died:<2h"])
    return st.text(max_size=60) | st.lists(pieces | st.text(max_size=6), max_size=20).map("".join)


def bodies() -> st.SearchStrategy[bytes]:
    """Bodies that conditions on payload can meet."""
    scalar = st.none() | st.booleans() | st.integers(-3, 1001) | st.floats(-2, 2) | st.sampled_from(WORDS)
    document = st.fixed_dictionaries(
        {},
        optional={
            "tenant": scalar,
            "n": scalar,
            "order": st.fixed_dictionaries({"id": scalar}),
            "a.b": scalar,
            "a": st.fixed_dictionaries({"b": scalar}),
            "items": st.lists(scalar | st.fixed_dictionaries({"sku": scalar}), max_size=3),
        },
    )
    return document.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=20)


def headers() -> st.SearchStrategy[dict[str, Any]]:
    """Header tables."""
    scalar = st.none() | st.booleans() | st.integers(-3, 1001) | st.sampled_from(WORDS)
    deep = st.fixed_dictionaries({"list": st.lists(scalar, max_size=2)})
    return st.fixed_dictionaries({}, optional={"tenant": scalar, "n": scalar, "a.b": scalar, "deep": deep})
