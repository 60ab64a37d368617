"""What tools are made of: the API's description, addresses, codes, bounds, and what is said of troubles."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mqadmin.agents import asked, bounded, described
from mqadmin.agents.asking import Line, Place, Trouble, place, segment
from mqadmin.agents.confirming import LASTS_S, Codes
from tests.support.processes import ROOT
from tests.support.web_servers import http_server, raw_server

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    from mqadmin.api import api

    return dict(api.get_openapi_schema())


def test_names_of_tools_stay(document: dict[str, Any]) -> None:
    made = described.calls(document)
    twice = {name for name in made if name.startswith(("queues_rule_", "deadletters_act_rule_"))}
    assert twice == {
        "queues_rule_list", "queues_rule_delete", "deadletters_act_rule_list", "deadletters_act_rule_delete",
    }  # fmt: skip
    # A third call of a name that is here already would give a tool another name: call its function otherwise.
    assert {name for name in made if name.startswith(("queues_", "core_", "alerts_", "consumers_"))} - twice == {
        "queues_delete", "queues_export", "queues_purge", "queues_settle", "queues_track",
    }  # fmt: skip
    assert all(made[name].needs == "view" for name in ("queue_list", "letter_list", "incident_list"))
    assert (made["queue_purge"].needs, made["exchange_declare"].needs) == ("operate", "configure")


def test_what_hands_out_secrets_is_no_tool(document: dict[str, Any]) -> None:
    made = described.calls(document)
    schemas = document["components"]["schemas"]
    handing = set()
    for path in document["paths"].values():
        for said in path.values():
            answers = [str(answer) for status, answer in said["responses"].items() if int(status) < 300]
            names = [name for name in schemas if any(f"/schemas/{name}'" in answer for answer in answers)]
            fields = {field for name in names for field in schemas[name].get("properties", {})}
            if fields & {"password", "secret", "token"}:
                handing.add(said["operationId"].rpartition("_api_")[2])
    assert handing - {"me"} == {
        "account_create",
        "account_password",
        "token_create",
        "user_create",
        "user_login",
    }
    assert not handing & set(made) - {"me"}  # of `me` it is the token's name
    assert "letter_reveal" not in made
    assert "approval_list" in made
    assert not {"approval_approve", "approval_alone"} & set(made)  # a second person is a person


def test_a_tool_takes_what_its_call_does(document: dict[str, Any]) -> None:
    made = described.calls(document)
    queues, purge, requeue = made["queue_list"].schema, made["queue_purge"].schema, made["letter_requeue"]
    assert {"broker", "filter", "limit", "cursor"} <= set(queues["properties"])
    assert (purge["required"], "body" in purge["properties"]) == (["queue_id"], True)
    assert (requeue.dry_run, "dry_run" in requeue.schema["properties"]["body"]["properties"]) == (
        "body",
        False,
    )
    assert (made["exchange_delete"].dry_run, "confirm" in made["exchange_delete"].schema["properties"]) == (
        "query",
        True,
    )
    for call in made.values():
        told = str(call.schema)
        assert "#/components/" not in told, call.name
        assert all(f"'{name}'" in told for name in call.in_path), call.name


def test_without_the_right_that_a_call_asks_for_it_is_no_tool(document: dict[str, Any]) -> None:
    said = {**document["paths"]["/api/v1/brokers"]["get"]}
    assert set(described.calls({**document, "paths": {"/mq/api/v1/brokers": {"get": said}}})) == {
        "broker_list"
    }
    del said[described.NEEDS]
    assert not described.calls({**document, "paths": {"/api/v1/brokers": {"get": said}}})


def test_a_code_opens_once_in_time_for_the_same() -> None:
    now = 0.0
    codes = Codes(lambda: now)
    given = {"queue_id": 5, "body": {"expect": 3}}

    def took(code: str, name: str = "queue_purge", **arguments: Any) -> str:
        try:
            codes.take(code, name, arguments or given)
        except Trouble as trouble:
            return trouble.code
        return ""

    assert took("") == "confirm_unknown"
    code = codes.give("queue_purge", given)
    assert (took(code), took(code)) == ("", "confirm_unknown")
    assert took(codes.give("queue_purge", given), queue_id=6, body={"expect": 3}) == "confirm_other"
    assert took(codes.give("queue_purge", given), "queue_delete") == "confirm_other"
    code = codes.give("queue_purge", given)
    now = LASTS_S
    assert took(code) == "confirm_expired"
    first = codes.give("queue_purge", given)
    for _ in range(100):
        codes.give("queue_purge", given)
    assert took(first) == "confirm_unknown"


@pytest.mark.parametrize(
    ("value", "shown", "cuts"),
    [
        ({"items": [1, 2], "next": "c"}, {"items": [1, 2], "next": "c"}, []),
        ({"items": ["x" * 30] * 40, "next": "c"}, None, [("/items", 7, 40)]),
        ({"body": "é" * 5_000}, {"body": "é" * 200}, [("/body", 200, 5_000)]),
        ({"a/~": ["y" * 5_000]}, {"a/~": ["y" * 200]}, [("/a~1~0/0", 200, 5_000)]),
        ({str(key): key for key in range(500)}, None, [("", 0, 5_780)]),
    ],
)
def test_what_is_too_long_is_cut_and_said(value: Any, shown: Any, cuts: list[tuple[str, int, int]]) -> None:
    found, cut = bounded.fit(value, 400)
    assert [(item["at"], item["shown"], item["of"]) for item in cut] == cuts
    if shown is not None:
        assert found == shown
    elif found is not None:
        assert (len(found["items"]), found["next"]) == (
            cuts[0][1],
            None,
        )  # that page's `next` would leave some out


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u202eb", "\x00"])
def test_a_name_leads_to_no_other_call(name: str) -> None:
    with pytest.raises(Trouble) as refused:
        segment(name)
    assert refused.value.code == "invalid"
    assert segment("a b%2F?#é") == "a%20b%252F%3F%23%C3%A9"


@pytest.mark.parametrize(
    ("url", "token", "code"),
    [
        ("https://mq.example.com/sub/", "mqa_x", ""),
        ("", "mqa_x", "no_url"),
        ("mq.example.com", "mqa_x", "no_url"),
        ("https://mq:example", "mqa_x", "no_url"),
        ("ftp://mq.example.com", "mqa_x", "no_url"),
        ("https://ann:word@mq.example.com", "mqa_x", "no_url"),
        ("https://mq.example.com/?token=x", "mqa_x", "no_url"),
        ("https://mq.example.com", "", "no_token"),
        ("https://mq.example.com", "mqa x\n", "no_token"),
    ],
)
def test_what_the_environment_must_say(url: str, token: str, code: str) -> None:
    environ = {"MQADMIN_URL": url, "MQADMIN_TOKEN": token}
    if not code:
        found = place(environ)
        assert (found.url, token in repr(found)) == (url.rstrip("/"), False)
        return
    with pytest.raises(Trouble) as refused:
        place(environ)
    assert refused.value.code == code
    assert "ann" not in str(refused.value)


def trouble(line: Line, method: str = "GET", **given: Any) -> Trouble:
    with pytest.raises(Trouble) as refused:
        line.ask(method, "/queues", **given)
    assert "mqa_x" not in str(vars(refused.value))
    return refused.value


def test_what_is_asked_and_what_is_said_of_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with http_server() as server:
        line = Line(Place(server.url, "mqa_x"))
        server.headers, server.body = {"Content-Type": "application/json"}, b'{"items": []}'
        assert line.ask("GET", "/queues", {"q": "a&b", "on": True}) == {"items": []}
        assert server.requests[0].path == "/api/v1/queues?q=a%26b&on=true"
        assert server.requests[0].headers["Authorization"] == "Bearer mqa_x"
        assert server.requests[0].headers["Accept-Language"] == "en"
        server.status, server.body = (
            409,
            b'{"detail": "It is in use.", "code": "in_use", "fields": {"a": "b"}}',
        )
        found = trouble(line)
        assert (found.detail, found.code, found.more) == (
            "It is in use.", "in_use", {"status": 409, "fields": {"a": "b"}},
        )  # fmt: skip
        server.status, server.headers, server.body = 302, {"Location": f"{server.url}/elsewhere"}, b""
        assert trouble(line).code == "not_mqadmin"
        assert len(server.requests) == 3  # the token went nowhere else
        server.status, server.headers, server.body = 502, {"Content-Type": "text/html"}, b"<h1>"
        assert trouble(line).code == "not_mqadmin"
        server.status, server.headers, server.body = 200, {"Content-Type": "text/plain"}, b"a: 1\n"
        assert line.ask("GET", "/queues") == {"text": "a: 1\n"}


def test_a_line_that_breaks_leaves_open_whether_an_act_was_done() -> None:
    with raw_server(lambda _connection, _over: None) as port:
        line = Line(Place(f"http://127.0.0.1:{port}", "mqa_x"))
        assert trouble(line).code == "no_answer"
        found = trouble(line, "POST", body={})
        assert (found.code, "is not known" in found.detail) == ("unknown", True)
    assert trouble(line, "POST", body={}).code == "no_answer"  # nothing listens: nothing was sent


@pytest.mark.parametrize("start", [["-m", "mqadmin", "mcp"], ["manage.py", "mcp"]])
def test_it_needs_neither_database_nor_settings_to_say_what_it_lacks(
    start: list[str], tmp_path: Path
) -> None:
    environ = {"PATH": "/usr/bin:/bin", "MQADMIN_VAR": str(tmp_path), "MQADMIN_URL": "http://127.0.0.1:1"}
    done = subprocess.run([sys.executable, *start], env=environ, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mqadmin mcp: Set MQADMIN_TOKEN to an API token of mqadmin.\n"
    assert not list(tmp_path.glob("*.sqlite3"))


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MQADMIN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MQADMIN_TOKEN", "mqa_x")
    monkeypatch.delitem(sys.modules, "mqadmin.agents.serving", raising=False)
    monkeypatch.delattr("mqadmin.agents.serving", raising=False)
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    assert asked.run([]) == 2
    said = "mqadmin mcp: mcp_types is not installed. Install the extra: mqadmin[mcp]\n"
    assert capsys.readouterr() == ("", said)


def test_it_loads_no_django() -> None:
    code = "import sys, mqadmin.agents.serving; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
