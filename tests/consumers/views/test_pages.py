"""Every page: it works, refuses the wrong method and the wrong person, and never renders data as markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.models import ConsumerEvent
from mqadmin.queues.models import Broker, Queue
from tests.consumers.views.conftest import EVIL, get
from tests.support.consumers import make_consumer, make_process, make_record, make_supervisor

pytestmark = pytest.mark.django_db

PAGES = ["consumer_list", "consumer_detail", "record_list", "record_detail", "process_output"]


@pytest.fixture
def addresses() -> dict[str, str]:
    consumer = make_consumer(name="orders")
    record, process = make_record(consumer), make_process(consumer)
    return {
        "consumer_list": reverse("consumer_list"),
        "consumer_detail": reverse("consumer_detail", args=["orders"]),
        "record_list": reverse("record_list", args=["orders"]),
        "record_detail": reverse("record_detail", args=[record.pk]),
        "process_output": reverse("process_output", args=[process.pk]),
    }


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_to_a_viewer(viewer: Client, addresses: dict[str, str], page: str) -> None:
    assert viewer.get(addresses[page]).status_code == 200
    assert viewer.post(addresses[page]).status_code == 405


@pytest.mark.parametrize("page", PAGES)
def test_pages_need_a_role(
    client: Client, addresses: dict[str, str], page: str, django_user_model: Any
) -> None:
    assert client.get(addresses[page]).status_code == 302
    client.force_login(
        django_user_model.objects.create_user("x"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert client.get(addresses[page]).status_code == 403


def test_unknown_things_are_404(viewer: Client) -> None:
    for name, argument in (("consumer_detail", "nobody"), ("record_detail", 999), ("process_output", 999)):
        assert get(viewer, name, argument).status_code == 404


def test_nothing_that_came_from_outside_becomes_markup(
    viewer: Client, settings: Any, browser_of: Callable[[str], Client]
) -> None:
    make_supervisor()
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(broker=broker, vhost=EVIL, name=EVIL)
    consumer = make_consumer(
        name="orders", queue=EVIL, vhost=EVIL, handler=EVIL, options={EVIL: EVIL}, desired="running",
        desired_by=EVIL, changed_by=EVIL,
    )  # fmt: skip
    make_process(consumer, state="failed", state_reason=EVIL, exit_reason=EVIL, host=EVIL)
    make_process(consumer, state="running", state_reason=EVIL, host=EVIL, replica=1)
    ConsumerEvent.objects.create(consumer=consumer, at=timezone.now(), kind=EVIL[:30], text=EVIL)
    record = make_record(
        consumer, outcome="dead_lettered", message_id=EVIL, routing_key=EVIL, exchange=EVIL, queue=EVIL,
        error_type=EVIL, error=EVIL, traceback=EVIL, detail=EVIL, body=EVIL.encode(), log=[[1, EVIL, EVIL]],
        headers={EVIL: EVIL, "t": {"$table": [[EVIL, EVIL]]}}, properties={"type": EVIL, "content_type": EVIL},
    )  # fmt: skip
    admin = browser_of("admin")

    pages = [
        get(viewer, "consumer_list", q=EVIL),
        get(viewer, "consumer_list"),
        get(admin, "consumer_detail", "orders"),
        get(viewer, "consumer_detail", "orders", q=EVIL),
        get(viewer, "record_list", "orders", q=EVIL),
        get(viewer, "record_list", "orders", fragment=True, after=0, q=EVIL),
        get(viewer, "record_detail", record.pk),
        get(admin, "consumer_edit", "orders"),
        get(admin, "consumer_new", queue=EVIL, vhost=EVIL, handler=EVIL),
    ]

    for page in pages:
        assert page.status_code == 200
        assert b"<script>alert" not in page.content
        assert b" style=" not in page.content
        assert b"onclick" not in page.content
    assert b"&lt;script&gt;alert" in pages[6].content
