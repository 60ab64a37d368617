"""The database locked by somebody else: pages that only show go on, acts say in words why they were not done."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from consumers.models import Consumer
from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, AuditEntry
from mqadmin.queues.models import Broker, Queue
from tests.core.conftest import make_user

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="only SQLite locks as a whole"),
]


@contextmanager
def locked() -> Iterator[None]:
    """Hold the write lock over another connection, as a backup or a stuck process does."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")  # the page need not wait 20 s in a test
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.fixture
def queue() -> Queue:
    row = Broker.objects.create(slug="default", reachable=True)
    return Queue.objects.create(broker=row, vhost="/", name="work")


@pytest.fixture
def consumer(queue: Queue) -> Consumer:
    return Consumer.objects.create(
        name="work", broker="default", vhost="/", queue=queue.name, handler="record"
    )


@pytest.fixture(params=["first", "next"])
def person(request: pytest.FixtureRequest, queue: Queue) -> Client:
    """Somebody at their first page, and one who has been here before."""
    user = make_user("root")
    browser = Client(raise_request_exception=False)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if request.param == "next":
        browser.get(reverse("queue_detail", args=[queue.pk]))
    return browser


def test_every_page_shows_while_the_database_takes_no_writes(
    person: Client, queue: Queue, consumer: Consumer
) -> None:
    detail = reverse("queue_detail", args=[queue.pk])
    pages = ["overview", "queue_list", "consumer_list", "letter_list", "operation_list", "audit_list"]
    addresses = [*map(reverse, pages), detail, reverse("consumer_detail", args=[consumer.name])]
    with locked():
        answers = {address: person.get(address).status_code for address in addresses}
    assert set(answers.values()) == {200}, answers


def test_a_choice_that_cannot_be_remembered_is_told_as_such(person: Client) -> None:
    session = person.session
    session["broker"] = "another"
    session.save()
    with locked():
        answer = person.get(reverse("queue_list"), {"broker": "default"})
    assert answer.status_code == 503
    assert "The database is busy" in answer.text


def test_an_act_is_refused_in_words_and_not_done(person: Client, consumer: Consumer) -> None:
    with locked():
        answer = person.post(reverse("consumer_start", args=[consumer.name]))
    assert answer.status_code == 503
    assert "Nothing of what you asked for was changed" in answer.text
    consumer.refresh_from_db()
    assert consumer.desired == "stopped"
    assert not AuditEntry.objects.filter(action="consumer.start").exists()


def test_the_api_reads_with_a_token_whose_last_use_cannot_be_written() -> None:
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('root'))}"}
    with locked():
        assert Client().get("/api/v1/queues", headers=headers).status_code == 200
    assert ApiToken.objects.get().last_used_at is None
    assert Client().get("/api/v1/queues", headers=headers).status_code == 200
    assert ApiToken.objects.get().last_used_at is not None
