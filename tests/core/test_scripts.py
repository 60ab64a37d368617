"""Commands for scripts: `queues`, `letters`, `consumers`, `alerts`: tables, the API's JSON, acts, exit codes."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from consumers.models import Consumer
from mqadmin.core import database
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry
from mqadmin.queues.models import Broker
from tests.accounts.test_tokens import bearer
from tests.alerts.factories import make_incident
from tests.core.conftest import make_user
from tests.deadletters.factories import letter
from tests.queues.conftest import make_queue
from tests.support.consumers import make_consumer

pytestmark = [pytest.mark.usefixtures("db", "no_broker"), pytest.mark.any_version]


def run(*words: str) -> tuple[int, str, str]:
    """Run a command; return its exit code, what it printed, and what went to stderr or was said of a fault."""
    out, errors = StringIO(), StringIO()
    try:
        call_command(*words, stdout=out, stderr=errors)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    except SystemExit as error:
        return int(error.code or 0), out.getvalue(), errors.getvalue()
    return 0, out.getvalue(), errors.getvalue()


@pytest.fixture
def _rows(db: None) -> None:
    broker = Broker.objects.create(slug="default")
    make_queue(broker, "orders\u202e", ready=5_000, health="broken")
    make_queue(broker, "mails", ready=7, health="ok")
    make_consumer(name="shop")
    make_incident()
    letter(b"one", message_id="one")


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("queues list --filter ready>1000", "queues?filter=ready>1000"),
        ("queues list --sort=-ready --limit 1", "queues?sort=-ready&limit=1"),
        ("letters list --status parked", "dead-letters?status=parked"),
        ("letters groups --broker default", "dead-letters/groups?broker=default"),
        ("consumers list --filter sho", "consumers"),
        ("alerts list", "alerts?state=firing"),
    ],
)
def test_as_json_it_is_the_answer_of_the_api(words: str, path: str) -> None:
    code, out, _errors = run(*words.split(), "--json")
    client = bearer(tokens.make(user=make_user("viewer"))[1])
    asked = client.get(f"/api/v1/{path}").json()
    assert json.loads(out) == asked
    assert code == (0 if asked["items"] else 1)


@pytest.mark.usefixtures("_rows")
def test_a_table_is_for_people() -> None:
    code, out, errors = run("queues", "list", "--sort=-ready", "--limit", "1")
    head, row = out.splitlines()
    assert (code, head.split()[:4]) == (0, ["ID", "BROKER", "VHOST", "QUEUE"])
    assert "orders[U+202E]" in row
    assert head.index("HEALTH") == row.index("broken")
    assert errors.startswith("1 of 2: --cursor ")
    cursor = errors.split()[4]
    assert "mails" in run("queues", "list", "--sort=-ready", "--limit", "1", "--cursor", cursor)[1]


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("queues list --filter name:nothing", 1, ""),
        ("queues list --filter ready>>", 2, "needs a whole number"),
        ("queues list --sort nonsense", 2, "Sort by one of"),
        ("queues list --cursor nonsense", 2, "cursor"),
        ("consumers list --state nonsense", 2, "There is no such state."),
        ("consumers start", 2, "Name a consumer."),
        ("consumers stop nobody", 2, "There is no consumer “nobody”."),
        ("alerts list --state resolved", 1, ""),
        ("alerts acknowledge", 2, "Name an alert"),
        ("alerts acknowledge 999999", 2, "There is no alert 999999."),
        ("letters list --filter nothing", 1, ""),
        ("letters list --status discarded", 1, ""),
    ],
)
def test_exit_codes(words: str, code: int, said: str) -> None:
    found, out, errors = run(*words.split())
    assert (found, out) == (code, "")
    assert said in errors


def test_a_database_that_cannot_be_used_is_not_nothing_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "of_another_version", lambda: "It has other tables.")
    assert run("queues", "list") == (2, "", "It has other tables.")
    monkeypatch.undo()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE queues_queue RENAME TO gone")
    assert run("queues", "list")[0] == 2


def audited(action: str) -> list[tuple[Any, ...]]:
    rows = AuditEntry.objects.filter(action=action).order_by("pk")
    return list(rows.values_list("via", "outcome"))


@pytest.mark.usefixtures("_rows")
def test_acts_are_those_of_a_shell_and_done_once() -> None:
    assert run("consumers", "start", "shop")[0] == 0
    assert Consumer.objects.get(name="shop").desired == "running"
    assert run("consumers", "start", "shop")[0] == 1
    code, out, _errors = run("consumers", "stop", "shop", "--json")
    assert (code, json.loads(out)["items"][0]["name"]) == (0, "shop")
    code, _out, errors = run("consumers", "stop", "shop")
    assert (code, "told to be stopped" in errors) == (1, True)  # and is not killed
    assert audited("consumer.start") == [("shell", "done"), ("shell", "refused")]
    assert audited("consumer.stop") == [("shell", "done"), ("shell", "refused")]
    assert not audited("consumer.kill")
    number = str(make_incident(kind="verdict:backlog").pk)
    assert run("alerts", "acknowledge", number)[0] == 0
    assert run("alerts", "acknowledge", number)[0] == 1
    assert audited("incident.acknowledge") == [("shell", "done"), ("shell", "refused")]
