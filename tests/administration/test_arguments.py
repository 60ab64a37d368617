"""Arguments from a small table keep their types; what cannot be one is refused beside its field."""

from __future__ import annotations

import pytest

from mqadmin.administration.bindings.forms import BindingForm
from mqadmin.administration.exchanges.forms import ExchangeForm

PLAIN = {"destination_type": "queue", "destination": "work"}


def form(*rows: tuple[str, str, str], **more: str) -> BindingForm:
    names = ("argument", "argument_type", "argument_value")
    table = {
        f"{name}_{at}": text for at, row in enumerate(rows) for name, text in zip(names, row, strict=True)
    }
    return BindingForm({**PLAIN, **table, **more})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " 5 ", " 5 "),
        ("text", "", ""),
        ("whole", "-5", -5),
        ("number", "1.5", 1.5),
        ("truth", "True", True),
        ("none", "", None),
    ],
)
def test_a_value_keeps_its_type(kind: str, text: str, value: object) -> None:
    made = form(("shop", kind, text), arguments='{"b": [1]}', x_match="any")
    assert made.is_valid(), made.errors
    found = made.values["arguments"]
    assert found == {"b": [1], "shop": value, "x-match": "any"}
    assert type(found["shop"]) is type(value)
    assert set(made.values) == {"destination_type", "destination", "routing_key", "arguments"}


@pytest.mark.parametrize(
    ("row", "more", "blamed"),
    [
        (("n", "whole", "1.5"), {}, "argument_value_0"),
        (("n", "whole", str(2**63)), {}, "argument_value_0"),
        (("n", "number", "nan"), {}, "argument_value_0"),
        (("n", "truth", "yes"), {}, "argument_value_0"),
        (("n", "none", "x"), {}, "argument_value_0"),
        (("", "text", "x"), {}, "argument_0"),
        (("n", "text", "x"), {"arguments": '{"n": 1}'}, "argument_0"),
        (("n", "text", "x"), {"arguments": "{"}, "arguments"),
        (("n", "text", "x"), {"arguments": '{"x-match": "all"}', "x_match": "any"}, "x_match"),
    ],
)
def test_what_cannot_be_one_is_refused(row: tuple[str, str, str], more: dict[str, str], blamed: str) -> None:
    made = form(row, **more)
    assert not made.is_valid()
    assert list(made.errors) == [blamed]


def test_a_type_is_offered_where_the_broker_has_it() -> None:
    plain = ExchangeForm(vhosts=["/"], types=["direct", "x-local-random"])
    assert "delayed_type" not in plain.fields
    assert plain.fields["type"].choices == [(name, name) for name in ("direct", "x-local-random")]  # type: ignore[attr-defined]
    assert "delayed_type" in ExchangeForm(vhosts=["/"], types=["direct", "x-delayed-message"]).fields
