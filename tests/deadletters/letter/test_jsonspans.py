"""A JSON body that is changed in places: what is not named keeps its bytes, what is says what was asked for."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqadmin.deadletters.letter import jsonspans
from mqadmin.deadletters.letter.jsonspans import Doubled
from mqadmin.rabbit.reading.jsontext import Number, exact, pairs

NUMBERS = st.sampled_from(
    [
        "0",
        "-0",
        "1.10",
        "1E5",
        "1e+05",
        "12345678901234567.89",
        "123456789012345678901234567890",
        "1e999",
        "NaN",
    ]
)
STRINGS = st.one_of(
    st.sampled_from(['"\\u00e9"', '"é"', '"\\/"', '"\\ud800"', '"\\ud83d\\ude00"', '""', '"\\\\\\""']),
    st.text(max_size=5).map(json.dumps),
)
SPACE = st.sampled_from(["", "", " ", "\n", "\t", "\r\n  ", "  "])
KEYS = st.sampled_from(['"a"', '"b"', '"c"', '"\\u0061"', '"a/b"', '"~"', '""', '"é"'])
SCALARS = st.one_of(NUMBERS, STRINGS, st.sampled_from(["true", "false", "null"]))


class Spelled:
    """A document as text, with where each value stands in it."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.spans: dict[tuple[str | int, ...], tuple[int, int]] = {}
        self.doubled: set[tuple[str | int, ...]] = set()
        self._space()
        self._value((), 3)
        self._space()

    def _space(self) -> None:
        self.text += self.draw(SPACE)

    def _value(self, path: tuple[str | int, ...], depth: int) -> None:
        start = len(self.text)
        kind = self.draw(st.sampled_from(["scalar", "table", "list"])) if depth else "scalar"
        if kind == "scalar":
            self.text += self.draw(SCALARS)
        else:
            self._container(path, depth, kind == "table")
        if path in self.spans:
            self.doubled.add(path)
        self.spans[path] = start, len(self.text)

    def _container(self, path: tuple[str | int, ...], depth: int, is_table: bool) -> None:
        self.text += "{" if is_table else "["
        count = self.draw(st.integers(0, 3))
        for index in range(count):
            self.text += "," if index else ""
            self._space()
            step: str | int = index
            if is_table:
                key = self.draw(KEYS)
                step = json.loads(key)
                self.text += key
                self._space()
                self.text += ":"
                self._space()
            self._value((*path, step), depth - 1)
            self._space()
        if not count:
            self._space()
        self.text += "}" if is_table else "]"

    def is_clear(self, path: tuple[str | int, ...]) -> bool:
        return not any(path[: end + 1] in self.doubled for end in range(len(path)))


@st.composite
def spelled(draw: Any) -> Spelled:
    return Spelled(draw)


def pointer(path: tuple[str | int, ...]) -> str:
    return "/body" + "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def patched(text: str, *steps: dict[str, Any]) -> str:
    document = jsonspans.read(text.encode("utf-8", "surrogatepass"))
    found = jsonpatch.apply_patch({"body": document.value}, list(steps))
    return document.with_value(found["body"]).decode("utf-8", "surrogatepass")


def said(text: str) -> Any:
    return repr(exact(text, table=pairs, is_lax=True))


@given(spelled())
def test_what_is_not_changed_keeps_every_byte(document: Spelled) -> None:
    assert patched(document.text) == document.text
    opened = jsonspans.read_text(document.text)
    open_all(opened.value)
    assert opened.text() == document.text


def open_all(value: Any) -> None:
    for entry in getattr(value, "entries", ()):
        open_all(entry.get())


@given(spelled(), st.data())
def test_a_value_that_is_replaced_is_the_only_thing_that_changes(document: Spelled, data: Any) -> None:
    path = data.draw(st.sampled_from(sorted(document.spans, key=str)))
    step = {"op": "replace", "path": pointer(path), "value": "new"}
    if not document.is_clear(path):
        with pytest.raises(Doubled):
            patched(document.text, step)
        return
    start, end = document.spans[path]
    assert patched(document.text, step) == f'{document.text[:start]}"new"{document.text[end:]}'


@given(spelled(), st.data())
def test_a_patch_says_in_the_text_what_it_says_of_the_values(document: Spelled, data: Any) -> None:
    if document.doubled:
        return  # plain values have no two of a name to compare with
    paths = sorted(document.spans, key=str)
    one, other = (data.draw(st.sampled_from(paths)) for _ in range(2))
    op = data.draw(st.sampled_from(["add", "remove", "move", "copy"]))
    step: dict[str, Any] = {"op": op, "path": pointer(one)}
    if op == "add":
        step |= {
            "path": pointer(one) + data.draw(st.sampled_from(["", "/new", "/-", "/0"])),
            "value": Number("1.10"),
        }
    elif op in ("move", "copy"):
        step |= {"from": pointer(other)}
    values = {"body": exact(document.text, table=pairs, is_lax=True)}
    try:
        wanted = jsonpatch.apply_patch(values, [step])
    except Exception as error:
        with pytest.raises(type(error)):
            patched(document.text, step)
        return
    if "body" in wanted:
        assert said(patched(document.text, step)) == repr(wanted["body"])


@pytest.mark.parametrize(
    ("before", "step", "after"),
    [
        ('{"a": 1, "b": 2}', {"op": "remove", "path": "/body/a"}, '{"b": 2}'),
        ('{"a": 1, "b": 2}', {"op": "remove", "path": "/body/b"}, '{"a": 1}'),
        ('{\n  "a": 1,\n  "b": 2\n}\n', {"op": "remove", "path": "/body/b"}, '{\n  "a": 1\n}\n'),
        ('{\n  "a": 1\n}\n', {"op": "remove", "path": "/body/a"}, "{}\n"),
        ("[ 1 ]", {"op": "add", "path": "/body/-", "value": 2}, "[ 1, 2 ]"),
        ("[1 , 2]", {"op": "add", "path": "/body/1", "value": 3}, "[1 , 3, 2]"),
        ("[2, 3]", {"op": "add", "path": "/body/0", "value": 1}, "[1, 2, 3]"),
        ('{"a" : 1}', {"op": "add", "path": "/body/b", "value": []}, '{"a" : 1,"b" : []}'),
        (
            '{\r\n\t"a": {}\r\n}',
            {"op": "add", "path": "/body/a/b", "value": [1]},
            '{\r\n\t"a": {\r\n\t\t"b": [\r\n\t\t\t1\r\n\t\t]\r\n\t}\r\n}',
        ),
        ('{"a":"é"}', {"op": "add", "path": "/body/b", "value": "\ud800"}, '{"a":"é","b":"\\ud800"}'),
        ('{"a": { "x":1.10 }}', {"op": "move", "from": "/body/a", "path": "/body/b"}, '{"b": { "x":1.10 }}'),
        ('{"a":[1.0 , 2]}', {"op": "replace", "path": "/body/a", "value": [1.0, 2]}, '{"a":[1.0 , 2]}'),
        ('{"a":1.0}', {"op": "replace", "path": "/body/a", "value": True}, '{"a":true}'),
        ("\ufeff 1.10\n", {"op": "copy", "from": "/body", "path": "/body"}, "\ufeff 1.10\n"),
    ],
)
def test_what_is_put_in_is_written_as_its_neighbours_are(
    before: str, step: dict[str, Any], after: str
) -> None:
    assert patched(before, step) == after


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-32", "utf-8-sig"])
def test_a_body_stays_in_its_encoding(encoding: str) -> None:
    document = jsonspans.read('{"a": "é", "n": 1.10}'.encode(encoding))
    document.value["b"] = "ü"
    assert document.with_value(document.value) == '{"a": "é", "n": 1.10, "b": "ü"}'.encode(encoding)


def test_letters_beyond_ascii_are_escaped_where_the_message_names_another_charset() -> None:
    document = jsonspans.read(b'{"a": 1}', charset="iso-8859-1")
    document.value["b"] = "é"
    assert document.with_value(document.value) == b'{"a": 1, "b": "\\u00e9"}'


@pytest.mark.parametrize("body", [b"", b"{", b"{} {}", b"\xff", b'{"a":1,}', b"'a'", b"[1"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        jsonspans.read(body)
