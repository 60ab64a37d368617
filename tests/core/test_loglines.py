"""What the log says of requests that were refused: a line each, without a traceback, and nobody else's line."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError, ProgrammingError
from django.http import HttpResponse, UnreadablePostError
from django.test import Client, RequestFactory

from mqadmin import seldom
from mqadmin.core import loglines
from mqadmin.core.api import tokens
from mqadmin.core.pages import faults, views
from tests.core.conftest import SignIn, make_user

pytestmark = pytest.mark.usefixtures("no_broker")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the handler of the settings writes."""
    (console,) = [item for item in logging.getLogger().handlers if type(item) is logging.StreamHandler]
    for item in console.filters:
        if isinstance(item, loglines.DatabaseInALine):  # another test may have told of it within the minute
            item.forget()
    written = io.StringIO()
    before = console.setStream(written)
    yield written
    if before is not None:
        console.setStream(before)


def quiet(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_what_one_may_not_do_is_a_line(sign_in: SignIn, log: io.StringIO) -> None:
    assert sign_in("viewer").post("/operations/1/cancel/").status_code == 403
    assert "Forbidden" in log.getvalue()
    assert len(log.getvalue().splitlines()) == 1


def test_so_it_is_through_the_api(db: None, log: io.StringIO) -> None:
    client = Client(headers={"Authorization": f"Bearer {tokens.create(user=make_user('viewer'))}"})
    assert client.post("/api/v1/operations/1/cancel").status_code == 403
    assert client.get("/api/v1/operations/1").status_code == 404
    assert len(log.getvalue().splitlines()) == 2


def test_a_form_of_another_sign_in_is_a_line(sign_in: SignIn, log: io.StringIO) -> None:
    assert sign_in("viewer", enforce_csrf_checks=True).post("/theme/").status_code == 403
    assert "CSRF" in log.getvalue()
    assert len(log.getvalue().splitlines()) == 1


@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/queues", "/healthz"])
def test_a_wrong_host_is_a_line(db: None, log: io.StringIO, path: str) -> None:
    assert Client().get(path, headers={"Host": "evil.example"}).status_code == 400
    assert "evil.example" in log.getvalue()
    assert len(log.getvalue().splitlines()) == 1


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("&".join(f"a{number}=1" for number in range(1001)), "application/x-www-form-urlencoded"),
        ("--x", "multipart/form-data; boundary=\xff"),
        ("a" * (33 * 1024 * 1024), "application/x-www-form-urlencoded"),
    ],
    ids=["fields", "multipart", "size"],
)
def test_a_body_that_cannot_be_read_is_a_line(
    sign_in: SignIn, log: io.StringIO, body: str, kind: str
) -> None:
    client = quiet(sign_in("operator"))
    assert client.generic("POST", "/operations/1/cancel/", body, content_type=kind).status_code in (
        400,
        413,
        404,
    )
    assert client.generic("POST", "/theme/", body, content_type=kind).status_code in (400, 413)
    assert "Traceback" not in log.getvalue()
    assert len(log.getvalue().splitlines()) <= 2


@pytest.mark.parametrize(
    "error",
    [OverflowError("too\nlarge"), RecursionError("deep"), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no")],
    ids=lambda error: type(error).__name__,
)
def test_a_value_that_cannot_be_used_is_a_line(
    sign_in: SignIn, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(monkeypatch, error)
    assert sign_in("viewer").get("/audit/").status_code == 400
    assert f"{type(error).__name__}: " in log.getvalue()
    lines = [line for line in log.getvalue().splitlines() if "Bad Request: /audit/" not in line]
    assert len(lines) == 1


def test_who_hangs_up_is_a_line(sign_in: SignIn, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, UnreadablePostError("gone"))
    assert sign_in("viewer").get("/audit/").status_code == 400
    assert len(log.getvalue().splitlines()) == 1


def test_a_database_that_is_gone_before_the_view_is_no_traceback(
    sign_in: SignIn, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: object) -> None:
        raise OperationalError("no\nconnection")

    client = quiet(sign_in("viewer"))
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", fail)
    assert client.get("/audit/").status_code == 503
    assert "Traceback" not in log.getvalue()
    assert len(log.getvalue().splitlines()) == 2  # what Django says, and why


def test_a_mistake_of_ours_keeps_its_traceback(
    sign_in: SignIn, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = quiet(sign_in("viewer"))
    failing(monkeypatch, ValueError("ours"))
    assert client.get("/audit/").status_code == 500
    assert "Traceback" in log.getvalue()


@pytest.mark.parametrize("error", [OverflowError("no"), OperationalError("no\nconnection")], ids=repr)
def test_an_address_cannot_write_lines_of_its_own(log: io.StringIO, error: Exception) -> None:
    assert faults.answer(RequestFactory().get("/no/%0A2026-01-01 ERROR forged%E2%80%AE%1B[2J"), error)
    (line,) = log.getvalue().rstrip("\n").split("\n")
    assert line.isprintable()


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_args: Any, **_options: Any) -> HttpResponse:
        raise error

    monkeypatch.setattr(views.rendering, "page", fail)


@pytest.fixture
def no_minute_before() -> None:
    (console,) = [item for item in logging.getLogger().handlers if type(item) is logging.StreamHandler]
    (minute,) = [item for item in console.filters if isinstance(item, loglines.DatabaseInALine)]
    minute.forget()


@pytest.mark.usefixtures("no_minute_before")
def test_a_database_that_is_away_is_a_line_a_minute(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(seldom.time, "monotonic", lambda: now[0])
    logger = logging.getLogger("celery.app.trace")
    for _ in range(5):  # a task every five seconds
        try:
            raise OperationalError(
                'connection to server at "db", port 5432 failed: Connection refused\n\tIs it up?'
            )
        except OperationalError:
            words = {"name": "retention", "exc": "OperationalError('connection to server ...')"}
            logger.exception("Task %(name)s raised unexpected: %(exc)s", words)
        logging.getLogger("mqadmin.monitor").warning("waiting: %s", OperationalError("disk I/O error\nmore"))
        now[0] += 5
    first = log.getvalue().splitlines()
    assert len(first) == 2, first
    assert "Task retention raised unexpected: The database " in first[0]
    assert "Connection refused" in first[0]
    assert "waiting: The database " in first[1]
    assert "more" not in first[1]
    now[0] += 60
    logging.getLogger("mqadmin.monitor").warning("waiting: %s", OperationalError("disk I/O error"))
    assert log.getvalue().rstrip().endswith("(4 more since)")


@pytest.mark.usefixtures("no_minute_before")
def test_a_mistake_of_ours_in_a_query_keeps_its_traceback(log: io.StringIO) -> None:
    for _ in range(2):
        try:
            raise ProgrammingError("syntax error at or near FORM")
        except ProgrammingError:
            logging.getLogger("mqadmin").exception("it failed")
    assert log.getvalue().count("Traceback") == 2


@pytest.mark.usefixtures("no_minute_before")
def test_pages_that_want_the_database_while_it_is_away(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_args: Any, **_kwargs: Any) -> HttpResponse:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", away)
    client = quiet(Client())
    client.cookies["sessionid"] = "x" * 32
    assert {client.get("/queues/").status_code for _ in range(4)} == {503}
    assert "The disk of the database is full" in client.get("/queues/").text
    lines = log.getvalue().splitlines()
    assert sum("the database did not answer /queues/" in line for line in lines) == 1, lines
    assert len(lines) <= 2, lines  # the other is Django's own


def test_a_name_begins_no_line_and_turns_none(log: io.StringIO) -> None:
    logging.getLogger("mqadmin").warning("purged %s", "a\u202eb\nc")
    assert log.getvalue().endswith("purged a[U+202E]b[U+000A]c\n")
    log.truncate(0)
    try:
        raise ValueError("a\u202e")
    except ValueError:
        logging.getLogger("mqadmin").exception("it failed")
    assert log.getvalue().endswith("\nValueError: a[U+202E]\n")
