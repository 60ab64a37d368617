"""Hostile and honest files: what is read, and that what is not read is told with its place."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.files import document, entries
from consumers.files.document import Kind
from mqadmin.core.errors import Refusal
from tests.support.consumers import make_consumer

GOOD = "consumers:\n  orders: {queue: orders, handler: record}\n"
BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nconsumers: {}\n"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (BOMB, "Line 2, column 8: An alias"),
        ("consumers: {<<: {a: 1}}", "“<<” is no name here"),
        ("consumers:\n  orders: {}\n  orders: {}\n", "Line 3, column 3: “orders” stands here twice."),
        ("consumers:\n  on: {}\n", "Line 2, column 3: “on” is no name here: put it in quotes."),
        ("consumers:\n  {a: b}: {}\n", "is no name here"),
        ("consumers: " + "[" * 3000, "Too many tables in tables"),
        ("consumers: {a: \x00}", "no YAML: unacceptable character #x0000"),
        ("consumers: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("consumers: [1, 2", "Line 1, column"),
        ('consumers: {a: "\\ud800"}', "surrogates not allowed"),
        ("consumers: {a: " + "9" * 5000 + "}", "no YAML: Exceeds the limit"),
        ("---\na: 1\n---\nb: 2\n", "found another document"),
        ("", "holds no consumers"),
        ("just text", "holds no consumers"),
        (b"\xff\xfe", "no text in UTF-8: byte 1"),
        (b"x" * (12 * 1024 * 1024), "larger than 512 kB"),
    ],
)
def test_a_yaml_that_is_not_read(data: str | bytes, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        entries.read(document.parsed(data, "yaml"))
    assert says in refused.value.text
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("[consumers.a]\n[consumers.a]\n", "Cannot declare"),
        ("a = 1\na = 2\n", "Cannot overwrite a value (at line 2"),
        ("a = " + "[" * 5000, "no TOML"),
        ('a = "\x00"', "no TOML: Illegal character"),
        ("x" * (12 * 1024 * 1024), "larger than 512 kB"),
    ],
)
def test_a_toml_that_is_not_read(data: str, says: str) -> None:
    with pytest.raises(Refusal) as refused:
        document.parsed(data, "toml")
    assert says in refused.value.text


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"consumer": {}}, "“consumer” is not known"),
        ({"consumers": []}, "“consumers” is a table of names"),
        ({}, "holds no consumers"),
        ({"consumers": {str(n): {} for n in range(1001)}}, "holds 1001 consumers: 1000 at most"),
    ],
)
def test_a_table_that_is_none_of_consumers(told: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        entries.read(told)


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ([], "", "no table of settings"),
        ({"prefetch": "10"}, "prefetch", "Enter a whole number."),
        ({"prefetch": 1.5}, "prefetch", "Enter a whole number."),
        ({"prefetch": True}, "prefetch", "Enter a whole number."),
        ({"prefetch": None}, "prefetch", "Enter a whole number."),
        ({"stop_seconds": 10**400}, "stop_seconds", "Enter a number."),
        ({"stop_seconds": float("nan")}, "stop_seconds", "Enter a number."),
        ({"exclusive": 1}, "exclusive", "Enter true or false."),
        ({"queue": 5}, "queue", "Enter text."),
        ({"queue": "a\0b"}, "queue", "Leave out the NUL."),
        ({"options": "x"}, "options", "a table of names and values"),
        ({"options": {"url": "a\0"}}, "options", "Leave out the NUL."),
        ({"desired": "running"}, "desired", "starts and stops nothing"),
        ({"prefech": 1}, "prefech", "no such setting"),
        ({"name": "b"}, "name", "no such setting"),
        ({"is_collector": True}, "is_collector", "no such setting"),
        ({}, "handler", "This is needed."),
    ],
)
def test_what_is_wrong_with_one_is_told_by_field(given: Any, field: str, says: str) -> None:
    [entry] = entries.read({"consumers": {"a": given}})
    assert says in entry.errors[field]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["yaml", "toml"])
def test_what_is_written_is_read_again(kind: Kind) -> None:
    name = "a\u202eb: 'x' \"y\"\n#\u00fc \U0001f600"
    made = make_consumer(
        name="own",
        queue=name,
        vhost=" ",
        connection_retries=0,
        retry_jitter=0.5,
        exclusive=True,
        schedule="no",
    )
    text = document.written(entries.written([made]), kind)
    [entry] = entries.read(document.parsed(text, kind))
    assert entry.errors == {}
    assert {field: getattr(made, field) for field in entry.fields} == entry.fields
    assert kind == "toml" or "\u202e" not in text
