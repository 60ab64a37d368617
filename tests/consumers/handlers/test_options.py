from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from consumers.handlers import options
from consumers.handlers.options import OptionsError, option


@dataclass(frozen=True)
class Sample:
    count: int = option(3, label="How many", help="At once.", minimum=1, maximum=10)
    ratio: float = 0.5
    loud: bool = False
    mode: str = option("fast", choices=[("fast", "Fast"), ("slow", "Slow")])


@dataclass(frozen=True)
class Needy:
    url: str = option("", required=True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Sample()),
        ({"count": "5", "ratio": "0.25", "loud": "on", "mode": "slow"}, Sample(5, 0.25, True, "slow")),
        ({"count": 4.0, "ratio": 1, "loud": False}, Sample(4, 1.0, False)),
        ({"loud": ""}, Sample()),
        ({"count": " 5 ", "ratio": "1_0"}, Sample(5, 10.0)),
        ({"count": "5.0"}, Sample(5)),
    ],
)
def test_values_are_converted(given: dict[str, Any], expected: Sample) -> None:
    assert options.parse(Sample, given) == expected


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 0, "At least 1."),
        ("count", "11", "At most 10."),
        ("count", "many", "Enter a whole number."),
        ("count", True, "Enter a whole number."),
        ("count", 1.5, "Enter a whole number."),
        ("count", 10**400, "At most 10."),
        ("count", "9" * 5000, "Enter a whole number."),
        ("ratio", True, "Enter a number."),
        ("loud", 1, "Enter true or false."),
        ("count", None, "Enter a whole number."),
        ("ratio", "nan", "Enter a number."),
        ("ratio", 10**400, "Enter a number."),
        ("ratio", [], "Enter a number."),
        ("loud", "perhaps", "Enter true or false."),
        ("loud", 2, "Enter true or false."),
        ("mode", "medium", "Choose one of: fast, slow."),
        ("mode", 3, "Enter text."),
        ("nonsense", 1, "This handler has no such option."),
    ],
)
def test_wrong_values_are_refused_in_words(name: str, value: Any, words: str) -> None:
    with pytest.raises(OptionsError) as caught:
        options.parse(Sample, {name: value})
    assert caught.value.errors == {name: words}


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(OptionsError) as caught:
        options.parse(Sample, {"count": 0, "mode": "x"})
    assert set(caught.value.errors) == {"count", "mode"}


@pytest.mark.parametrize("given", [{}, {"url": ""}])
def test_a_required_text_must_be_there(given: dict[str, Any]) -> None:
    with pytest.raises(OptionsError) as caught:
        options.parse(Needy, given)
    assert caught.value.errors == {"url": "This option is needed."}


def test_an_option_may_have_any_name() -> None:
    @dataclass(frozen=True)
    class Named:
        copy: str = "a"
        schema: int = option(1, minimum=1)
        model_config: bool = False

    assert options.parse(Named, {"copy": "b", "schema": "2", "model_config": "on"}) == Named("b", 2, True)


def test_a_handler_without_options_takes_none() -> None:
    assert options.parse(None, {}) is None
    with pytest.raises(OptionsError):
        options.parse(None, {"count": 1})


def test_schema() -> None:
    schema = options.schema(Sample)
    assert schema["properties"]["count"] == {
        "type": "integer",
        "title": "How many",
        "description": "At once.",
        "default": 3,
        "minimum": 1,
        "maximum": 10,
    }
    assert schema["properties"]["mode"]["enum"] == ["fast", "slow"]
    assert schema["additionalProperties"] is False
    assert options.schema(Needy)["required"] == ["url"]
    assert options.schema(None)["properties"] == {}


def test_fields_without_default_or_of_other_types_are_a_programming_error() -> None:
    @dataclass(frozen=True)
    class Bare:
        count: int

    @dataclass(frozen=True)
    class Listed:
        names: list[str] | None = None

    for bad in (Bare, Listed):
        with pytest.raises(TypeError, match=bad.__name__):
            options.describe(bad)
