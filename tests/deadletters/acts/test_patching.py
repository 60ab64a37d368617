"""One change for many letters: tried on ten, then done to each once; what was captured is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.acts.operations import Run
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.acts import editing, patching
from mqadmin.deadletters.acts.patching import Change, Unchangeable
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.wire_numbers import Float32, Int8, Int64, UInt32
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)
BY = Actor("ann")


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def patch(*steps: dict[str, Any]) -> Change:
    return Change(steps)


def every() -> selection.Selection:
    return selection.all_that_match(selection.Filter("default", status="parked"))


@pytest.mark.parametrize(
    ("body", "change", "after"),
    [
        (
            b'{"a":{"b":1},"c":[1,2]}',
            patch({"op": "replace", "path": "/body/a/b", "value": 2}, {"op": "remove", "path": "/body/c/0"}),
            b'{"a":{"b":2},"c":[2]}',
        ),
        (
            b'{"a": 1}',
            patch({"op": "add", "path": "/body/b", "value": "\u00e9"}),
            '{"a": 1, "b": "é"}'.encode(),
        ),
        (b'{"a":"\\u00e9"}', patch({"op": "add", "path": "/body/b", "value": 1}), b'{"a":"\\u00e9","b":1}'),
        (b'{\n  "a": 1\n}', patch({"op": "replace", "path": "/body/a", "value": 2}), b'{\n  "a": 2\n}'),
        (b"[1]", patch({"op": "add", "path": "/body/-", "value": 9007199254740993}), b"[1,9007199254740993]"),
        (b"old and old", Change(find="old", replace="new"), b"new and new"),
    ],
)
def test_a_body_is_changed_and_written_as_it_was(body: bytes, change: Change, after: bytes) -> None:
    one = letter(body)
    assert patching.changed(one, change) == {"body": after}
    assert bytes(one.body) == body


def test_headers_and_properties_are_changed_also_beside_a_body_that_is_no_json() -> None:
    one = letter(b"\xff", headers={"tenant": "a", "raw": b"\x00"}, message_id="m-1")
    change = patch(
        {"op": "test", "path": "/headers/tenant", "value": "a"},
        {"op": "replace", "path": "/headers/tenant", "value": "b"},
        {"op": "add", "path": "/properties/priority", "value": 3},
    )
    found = patching.changed(one, change)
    assert found["headers"] == {**one.headers, "tenant": "b"}
    assert found["properties"]["priority"] == 3
    assert one.headers["tenant"] == "a"


@pytest.mark.parametrize(
    ("body", "change", "words"),
    [
        (b"no json", patch({"op": "add", "path": "/body/a", "value": 1}), "not JSON"),
        (b"\xff", Change(find="a", replace="b"), "not text"),
        (b"{}", patch({"op": "replace", "path": "/body/a", "value": 1}), "a"),
        (b"{}", patch({"op": "test", "path": "/body", "value": 1}), "{} .*not equal"),
        (
            b"{}",
            patch({"op": "add", "path": "/properties/priority", "value": 1000}),
            "octet|range|255|format",
        ),
        (b"{}", patch({"op": "replace", "path": "/headers", "value": []}), "tables"),
        (b"{}", patch({"op": "remove", "path": "/headers"}), "must stay"),
        (b"{}", patch({"op": "remove", "path": "/body"}), "must stay"),
    ],
)
def test_what_cannot_be_done_to_a_letter_says_why(body: bytes, change: Change, words: str) -> None:
    with pytest.raises(Unchangeable, match=words):
        patching.changed(letter(body), change)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"patch": [{"op": "add", "path": "/body", "value": 1}], "find": "x"},
        {"patch": [{"op": "add", "path": "/status", "value": 1}]},
        {"patch": [{"op": "fly", "path": "/body"}]},
        {"patch": [{"op": "add", "path": 7}]},
        {"patch": [{"op": "copy", "from": "/secret", "path": "/body"}]},
        {"patch": [{"op": "add", "path": "/body", "value": 1}] * 101},
    ],
)
def test_what_is_no_change_is_refused(value: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        Change.from_json(value)
    assert refusal.value.status == 422


def test_a_preview_of_ten_changes_nothing() -> None:
    for number in range(12):
        letter(json.dumps({"n": number}).encode())
    letter(b"{}", status="discarded")
    tried = patching.preview(
        selection=every(), change=patch({"op": "replace", "path": "/body/n", "value": 1})
    )
    assert len(tried) == 10
    assert (tried[0].before, tried[0].after) == ('{"n": 0}', '{"n": 1}')
    assert [item.is_changed for item in tried[:3]] == [True, False, True]
    assert not DeadLetter.objects.exclude(edits=0).exists()


def test_all_are_changed_with_a_problem_for_each_that_cannot_be() -> None:
    rows = [letter(json.dumps({"n": [number]}).encode()) for number in range(5)]
    odd = letter(b"no json")
    change = patch({"op": "add", "path": "/body/n/-", "value": "x"})
    operation = patching.start(selection=every(), change=change, by=BY, expect=6)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done, operation.failed) == ("done", 5, 1)
    assert operation.problems.get().target == str(odd.pk)
    for number, row in enumerate(rows):
        row.refresh_from_db()
        assert json.loads(bytes(row.body)) == {"n": [number, "x"]}
        assert (row.edits, row.events.get().kind, row.events.get().by) == (1, "edited", "ann")
    assert bytes(editing.revert(letter=rows[0], by=BY).body) == b'{"n": [0]}'
    with pytest.raises(Refusal):
        patching.start(selection=every(), change=change, by=BY, expect=9)


def test_a_worker_that_dies_in_between_does_not_change_a_letter_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patching, "BATCH", 2)
    rows = [letter(b"[]") for _ in range(6)]
    operation = patching.start(
        selection=every(), change=patch({"op": "add", "path": "/body/-", "value": 1}), by=BY
    )
    calls: list[int] = []
    write = editing.write

    class Killed(BaseException):
        """As if the worker ended here."""

    def die(*args: Any) -> DeadLetter:
        calls.append(1)
        if len(calls) == 4:  # in the middle of the second batch
            raise Killed
        return write(*args)

    with monkeypatch.context() as context:
        context.setattr(editing, "write", die)
        with pytest.raises(Killed):
            operations.execute(operation.pk)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert (operation.status, operation.done) == ("done", 6)
    assert {bytes(row.body) for row in DeadLetter.objects.filter(pk__in=[row.pk for row in rows])} == {b"[1]"}


def test_who_writes_beside_it_gets_a_turn_after_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite has one lock for all: batches that take long become small, and between two of them is a pause."""
    for _ in range(60):
        letter(b"[]")
    operation = patching.start(
        selection=every(), change=patch({"op": "add", "path": "/body/-", "value": 1}), by=BY
    )
    sizes: list[int] = []
    pauses: list[float] = []
    change_all = patching._change_all

    def noted(run: Run, ids: list[int], *more: Any) -> int:
        sizes.append(len(ids))
        return change_all(run, ids, *more)

    monkeypatch.setattr(patching, "_change_all", noted)
    monkeypatch.setattr(patching, "STEP_SECONDS", 0.0)  # all take longer
    monkeypatch.setattr("mqadmin.core.rows.deleting.time.sleep", pauses.append)
    assert operations.execute(operation.pk)
    assert sizes[:4] == [20, 10, 5, 2]
    assert sum(sizes) == 60
    assert len(pauses) == len(sizes)
    assert all(pause > 0 for pause in pauses)


@pytest.mark.broker
def test_the_page_shows_ten_and_then_edits_all(client: Client, broker_config: BrokerConfig) -> None:
    user = User.objects.create_user("olga", password="x")
    user.groups.add(Group.objects.get(name="operator"))
    client.force_login(user)
    rows = [letter(b"<b>old</b>", message_id=f"m-{number}") for number in range(12)]
    path = "/dead-letters/edit/"
    assert "Edit 12 letters" in client.get(f"{path}?all=1").content.decode()
    asked = {"all": "1", "way": "replace", "find": "old", "replace": "new"}
    page = client.get(path, asked).content.decode()
    assert page.count("&lt;b&gt;new&lt;/b&gt;") == 10
    assert "not JSON" in client.get(path, {**asked, "way": "patch", "patch": "{"}).content.decode()
    refused = client.post(path, {**asked, "expect": "11"})
    assert refused.status_code == 409
    client.post(path, {**asked, "expect": "12", "up_to": str(rows[-1].pk)})
    operation = Operation.objects.get()
    assert operations.execute(operation.pk)
    assert DeadLetter.objects.filter(edits=1).count() == 12


SECRET = b'{"card": {"number": "4111-secret"}, "n": 1}'
MASKED = ["header.token", "payload.card.number"]


@pytest.mark.parametrize(
    "change",
    [
        Change(find='"n": 1', replace='"n": 2'),
        patch({"op": "replace", "path": "/body/n", "value": 2}),
        patch({"op": "replace", "path": "/body/card/number", "value": "other"}),
        patch({"op": "copy", "from": "/body/card/number", "path": "/headers/note"}),
        patch({"op": "move", "from": "/headers/token", "path": "/body/note"}),
        patch({"op": "copy", "from": "/headers/token", "path": "/properties/app_id"}),
    ],
)
def test_a_preview_hides_what_is_hidden(settings: Any, change: Change) -> None:
    settings.MQADMIN_MASKED = MASKED
    letter(SECRET, headers={"token": "top-secret"})
    (tried,) = patching.preview(selection=every(), change=change)
    assert tried.is_changed
    assert not tried.error
    assert "secret" not in tried.before + tried.after
    settings.MQADMIN_MASKED = []
    (tried,) = patching.preview(selection=every(), change=change)
    assert "secret" in tried.before + tried.after


@pytest.mark.parametrize(
    "step",
    [
        {"op": "test", "path": "/body/card/number", "value": "guess"},
        {"op": "remove", "path": "/body/card/number/deeper"},
        {"op": "replace", "path": "/headers/missing/deeper", "value": 1},
        {"op": "add", "path": "/body/card/missing/deeper", "value": 1},
        {"op": "move", "from": "/headers/token", "path": "/properties/priority"},
    ],
)
def test_why_a_letter_cannot_be_changed_does_not_tell_what_is_hidden(
    settings: Any, step: dict[str, Any]
) -> None:
    settings.MQADMIN_MASKED = MASKED
    letter(SECRET, headers={"token": "top-secret"})
    (tried,) = patching.preview(selection=every(), change=patch(step))
    assert tried.error
    operation = patching.start(selection=every(), change=patch(step), by=BY)
    assert operations.execute(operation.pk)
    reason = operation.problems.get().reason
    assert reason == tried.error
    assert "secret" not in reason
    settings.MQADMIN_MASKED = []
    with pytest.raises(patching.Unchangeable) as error:
        patching.changed(DeadLetter.objects.get(), patch(step))
    assert "values are hidden" not in str(error.value)


TYPED = {
    "n": Int64(5),
    "f": Float32(0.5),
    "d": 1.5,
    "whole": 1.0,
    "list": [UInt32(1), {"deep": Int8(1)}],
    "plain": 1,
}


def test_a_patch_of_headers_sees_plain_numbers_and_leaves_their_types() -> None:
    one = letter(headers=TYPED)
    steps = (
        {"op": "test", "path": "/headers/n", "value": 5},
        {"op": "replace", "path": "/headers/n", "value": 6},
        {"op": "replace", "path": "/headers/f", "value": 2},
        {"op": "replace", "path": "/headers/d", "value": 2},
        {"op": "replace", "path": "/headers/whole", "value": 3},
        {"op": "replace", "path": "/headers/plain", "value": 2},
        {"op": "remove", "path": "/headers/list/0"},
        {"op": "copy", "from": "/headers/n", "path": "/headers/also"},
    )
    assert patching.changed(one, patch(*steps)) == {
        "headers": {
            "n": {"$int64": 6},
            "f": {"$float32": 2.0},
            "d": {"$float": "2.0"},
            "whole": {"$float": "3.0"},
            "list": [{"deep": {"$int8": 1}}],
            "plain": 2,
            "also": 6,
        }
    }


def test_a_patch_makes_of_a_number_what_its_type_cannot_hold() -> None:
    one = letter(headers=TYPED)
    values = {"n": 2**40, "f": 1e300, "list": [-1, {"deep": 128}], "plain": {"$int16": 3}}
    steps = [{"op": "replace", "path": f"/headers/{name}", "value": value} for name, value in values.items()]
    assert patching.changed(one, patch(*steps)) == {"headers": {**one.headers, **values}}


@pytest.mark.parametrize(
    ("path", "value"), [("/headers/plain", True), ("/headers/plain", 1.0), ("/headers/n", {"$int8": 5})]
)
def test_an_equal_value_of_another_type_is_a_change(path: str, value: Any) -> None:
    one = letter(headers=TYPED)
    found = patching.changed(one, patch({"op": "replace", "path": path, "value": value}))
    assert repr(found["headers"][path.rsplit("/", 1)[1]]) == repr(value)
    assert patching.changed(one, patch({"op": "replace", "path": "/headers/plain", "value": 1})) == {}


def test_an_edit_writes_an_equal_value_of_another_type() -> None:
    one = letter(headers=TYPED)
    for name, value in (("plain", True), ("n", 5), ("f", {"$float": "0.5"})):
        headers = {**one.headers, name: value}
        editing.edit(letter=one, by=BY, headers=headers)
        one.refresh_from_db()
        assert repr(one.headers[name]) == repr(value)
    assert one.edits == 3
