"""What a call takes is what its description says, for every value of every body and address: no lax coercion.

Each body has a name too many, so that nothing is ever done, and all that is wrong with it is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.models import DeadLetter
from tests.core.api.test_contract import caller, send
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer
from tests.support.described import description, paths
from tests.support.json_schema import fits
from tests.support.length import FULL
from tests.support.several_brokers import TWO_WILL_DO

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_broker"),
    TWO_WILL_DO,
]

VALUES: list[Any] = [None, True, False, 0, 1, -1, 1.0, 1.5, "", "x", "true", "1", "1.0", "null", [], {}]
VALUES += ["2026-01-31T08:30:00Z", "2026-01-31", "1700000000", 1_700_000_000]
INSIDE: list[Any] = [None, True, 1, 1.0, "1", [], {}]
TEXTS = [
    "null",
    "true",
    "True",
    "false",
    "1",
    "0",
    "-1",
    "1.0",
    "1_0",
    " 1",
    "x",
    "yes",
    "on",
    "t",
    "",
    "[]",
    "٣",
]
TEXTS += ["2026-01-31T08:30:00Z", "2026-01-31", "1700000000"]
# What takes one kind for another shows by these. Where a call takes the same as one that was tried with all of the
# above, they are what it is tried with: with all, at full length.
VALUES_AGAIN: list[Any] = VALUES if FULL else [None, True, 1, 1.0, "1", "true", [], {}, 1_700_000_000]
WORDS = ("title", "description")  # of a schema, which allow and refuse nothing
TEXTS_AGAIN = TEXTS if FULL else ["null", "True", "1.0", "1_0", "x", "", "1700000000"]


def described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (method, path with ids of nothing, description) of every call."""
    for path, methods in paths().items():
        address = "/".join("1" if part.startswith("{") else part for part in path.split("/"))
        for method, call in methods.items():
            yield method.upper(), address, call


def known() -> dict[str, Any]:
    found: dict[str, Any] = description()["components"]["schemas"]
    return found


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the schemas of objects among what a schema allows."""
    if "$ref" in schema:
        schema = known()[schema["$ref"].rpartition("/")[2]]
    if "properties" in schema:
        yield schema
    for part in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        yield from objects(part)


class Tried:
    """Which schemas were tried with everything."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def is_new(self, schema: dict[str, Any]) -> bool:
        """Whether a schema was not asked for before. One that refers to another is that one by its name."""
        text = json.dumps({key: value for key, value in schema.items() if key not in WORDS}, sort_keys=True)
        is_new = text not in self._known
        self._known.add(text)
        return is_new


def tried(schema: dict[str, Any], *, is_new: bool) -> Iterator[Any]:
    """Yield values to try where this schema stands: all kinds, in lists, and inside the objects it takes."""
    if not is_new:
        yield from VALUES_AGAIN
        return
    yield from VALUES
    if "array" in json.dumps(schema):
        yield from ([value] for value in VALUES)
    for inner in objects(schema):
        needed = dict.fromkeys(inner.get("required", ()), "x")
        for name, part in inner["properties"].items():
            yield from ({**needed, name: value} for value in INSIDE)
            if "array" in json.dumps(part):
                yield from ({**needed, name: [value]} for value in INSIDE)


def refused(answer: Any) -> set[str]:
    """Return the names that the answer blames."""
    assert answer.status_code == 422, answer.content
    return {error["loc"][1] for error in answer.json()["errors"] if len(error["loc"]) > 1}


def bodies() -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for method, path, call in described():
        schema = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        if schema:
            (body,) = objects(schema)
            found.append((method, path, body["properties"]))
    return found


def test_every_value_of_a_body_is_what_the_description_says() -> None:
    admin, names, calls = caller("admin"), known(), bodies()
    assert len(calls) > 20
    wrong, before = [], Tried()
    for method, path, parts in calls:
        trials = {
            name: list(tried(schema, is_new=FULL or before.is_new(schema))) for name, schema in parts.items()
        }
        for at in range(max(map(len, trials.values()))):
            body = {name: values[at] for name, values in trials.items() if at < len(values)}
            blamed = refused(send(admin, method, path, {**body, "surplus": 1}))
            wrong += [
                (path, name, value)
                for name, value in body.items()
                if (name in blamed) == fits(parts[name], value, names)
            ]
    assert wrong == []
    assert not AuditEntry.objects.exists()


def means(schema: dict[str, Any], text: str) -> bool:
    """Whether the text of an address stands for what the schema takes."""
    if "anyOf" in schema:
        return any(means(part, text) for part in schema["anyOf"])
    match schema.get("type"):
        case "boolean":
            return text.lower() in ("true", "false", "1", "0")
        case "integer":
            least = schema.get("minimum", float("-inf"))
            return bool(re.fullmatch(r"-?\d+", text, re.ASCII)) and int(text) >= least
        case "null":
            return False  # an address has no null
        case _:
            return fits(schema, text, {})


def test_every_value_of_an_address_is_what_the_description_says() -> None:
    admin, asked, wrong, before = caller("admin"), 0, [], Tried()
    make_consumer(name="1")
    for method, path, call in described():
        items = [item for item in call.get("parameters", ()) if item["in"] == "query"]
        is_new = [before.is_new(item["schema"]) for item in items]
        for text in TEXTS if any(is_new) else TEXTS_AGAIN if items else ():
            answer = send(admin, method, path, **{item["name"]: text for item in items})
            told = answer.json().get("errors", []) if answer.status_code == 422 else []
            blamed = {error["loc"][1] for error in told if error["loc"][0] == "query"}
            fine = {item["name"] for item in items if means(item["schema"], text)}
            wrong += [
                (path, item["name"], text)
                for item in items
                if (item["name"] in blamed) == (item["name"] in fine)
            ]
            asked += len(items)
    assert asked > 800
    assert wrong == []


def test_a_name_that_no_address_has_is_refused_and_named() -> None:
    admin, calls = caller("admin"), list(described())
    make_consumer(name="1")
    assert len(calls) > 50
    for method, path, call in calls:
        answer = send(admin, method, path, {} if call.get("requestBody") else None, quue="orders")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), (method, path)
        assert "quue: There is no such parameter" in answer.json()["detail"], (method, path)
        for item in call.get("parameters", ()):
            assert item["in"] != "query" or item["name"] in answer.json()["detail"], (method, path)
    assert not AuditEntry.objects.exists()


def test_what_the_contract_names_is_known() -> None:
    pages = {"limit", "cursor"}
    contract = {
        "/queues": {"broker", "vhost", "name", "q", "health", "type", "sort"} | pages,
        "/records": {"consumer", "outcome", "message_id", "q", "since", "until"} | pages,
        "/dead-letters": {"broker", "queue", "source", "reason", "group", "status", "q", "since", "until"}
        | pages,
        "/operations": {"status"},
        "/audit": {"actor", "action", "since"},
        "/processes/1/output": {"tail"},
    }
    known = {
        path: {item["name"] for item in call.get("parameters", ()) if item["in"] == "query"}
        for method, path, call in described()
        if method == "GET"
    }
    assert {path: missing for path, names in contract.items() if (missing := names - known[path])} == {}


@pytest.mark.parametrize("value", [None, "true", "false", 1, 0, "1", [], {}], ids=repr)
def test_a_dry_run_that_is_none_is_not_done_in_earnest(value: Any) -> None:
    kept = letter()
    for path, name in (("requeue", "dry_run"), ("edit", "preview")):
        answer = send("operator", "POST", f"/dead-letters/{path}", {"ids": [kept.pk], name: value})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path
        assert f"{name}: Input should be a valid boolean" in answer.json()["detail"]
    assert DeadLetter.objects.get().status == "parked"
    assert not AuditEntry.objects.exists()


def test_what_clients_have_always_sent_is_taken() -> None:
    kept, admin = letter(), caller("admin")
    make_consumer(name="orders")
    for limit in ("1", "50"):
        assert send(admin, "GET", "/records", limit=limit, since="2026-01-31T08:30:00").status_code == 200
    assert (
        send(admin, "PATCH", "/consumers/orders", {"retry_first_delay": 2, "replicas": 3.0}).status_code
        == 200
    )
    assert send(admin, "PATCH", "/consumers/orders", {"queue": None, "prefetch": None}).status_code == 200
    wanted = {"filter": {"broker": "default", "since": "2026-01-31T08:30:00+01:00"}, "expect": 1.0}
    assert send(admin, "POST", "/dead-letters/discard", wanted).status_code == 202
    kept.refresh_from_db()
    assert kept.status != "requeued"
