"""What consumers add to other pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.utils import timezone

from consumers import hooks
from mqadmin.core import hooks as shared
from mqadmin.queues.models import Broker, Queue
from tests.support.consumers import count, make_consumer, make_process, make_supervisor

pytestmark = pytest.mark.django_db

ANYBODY = AnonymousUser()


def attention() -> list[shared.Attention]:
    return list(hooks.attention("default", ANYBODY))


def test_nothing_wrong_is_nothing_said() -> None:
    make_supervisor()
    make_process(make_consumer(desired="running"))
    make_consumer()
    assert attention() == []


def test_a_failed_consumer_needs_attention_with_a_button() -> None:
    make_supervisor()
    make_process(make_consumer(name="orders", desired="running"), state="failed", state_reason="No queue")

    (found,) = attention()

    assert (found.level, found.text) == ("broken", "No queue. It stays down until somebody starts it.")
    assert found.actions[0].href == "/consumers/orders/start/"
    assert (found.actions[0].post, found.actions[0].needs) == (True, "operate")


def test_backoff_is_worth_a_look_while_others_run() -> None:
    make_supervisor()
    consumer = make_consumer(desired="running", replicas=2)
    later = timezone.now() + timedelta(seconds=60)
    make_process(consumer, state="backoff", next_start_at=later)
    assert attention()[0].level == "broken"
    make_process(consumer)
    assert attention()[0].level == "watch"


def test_no_supervisor_is_said_once_for_all() -> None:
    for _n in range(3):
        make_consumer(desired="running")
    (found,) = attention()
    assert found.level == "broken"
    assert "3 consumers" in found.title


@pytest.mark.parametrize(("failed", "acked", "said"), [(19, 0, 0), (20, 100, 1), (20, 400, 0)])
def test_failing_much(failed: int, acked: int, said: int) -> None:
    make_supervisor()
    process = make_process(make_consumer(desired="running"))
    count(process, *[(5, "dead_lettered", 1)] * failed, *[(5, "acked", 1)] * acked)
    assert len(attention()) == said


def test_badge_counts_those_that_are_told_to_run() -> None:
    assert hooks.badge("default") is None
    make_supervisor()
    make_process(make_consumer(desired="running"))
    make_consumer()
    assert hooks.badge("default") == ("1 / 1", "grey", (1, 1))
    make_process(make_consumer(desired="running"), state="failed")
    assert hooks.badge("default") == ("1 / 2", "red", (1, 2))
    assert hooks.badge("other") is None


def test_the_overview_tile_says_how_many_are_up() -> None:
    make_supervisor()
    make_consumer()
    assert list(hooks.tiles("default")) == []  # none is told to run
    make_process(make_consumer(desired="running"))
    make_process(make_consumer(desired="running"), state="failed")
    (tile,) = hooks.tiles("default")
    assert (tile.value, tile.unit, tile.tone, tile.href) == ("1", "of 2 up", "red", "/consumers/")


def test_find_by_name_queue_and_handler() -> None:
    make_consumer(name="billing", queue="invoices")
    make_consumer(name="mail", broker="other", handler="invoices.send")
    hits = list(hooks.find("INVOICE", "other"))
    assert [hit.title for hit in hits] == ["mail", "billing"]
    assert hits[0].href == "/consumers/mail/"


def test_queue_panel_lists_its_consumers_and_leads_to_a_new_one(rf: RequestFactory) -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/a b", name="q&1")
    make_consumer(name="mine", vhost="/a b", queue="q&1")
    make_consumer(name="same-name-elsewhere", vhost="/", queue="q&1")

    panel = hooks.queue_panel(queue, rf.get("/"))

    assert panel is not None
    assert [item.consumer.name for item in panel.context["summaries"]] == ["mine"]
    assert panel.context["new_href"] == "/consumers/new/?broker=default&vhost=%2Fa+b&queue=q%261"


def test_the_queue_page_shows_its_consumers(admin: Client) -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/", name="q")
    make_consumer(name="mine", queue="q")

    page = admin.get(f"/queues/{queue.pk}/").content.decode()

    assert 'href="/consumers/mine/"' in page
    assert 'href="/consumers/new/?broker=default&amp;vhost=%2F&amp;queue=q"' in page


def test_a_queue_is_told_which_consumers_are_ours() -> None:
    queue = Queue.objects.create(broker=Broker.objects.create(slug="default"), vhost="/", name="q")
    make_consumer(name="mine", queue="q", desired="paused")
    make_consumer(name="other", queue="elsewhere")
    (found,) = shared.queue_readers(queue)
    assert (found.name, found.runs, found.meant, found.tag) == ("mine", False, False, "mqadmin.mine.")
    assert found.href == "/consumers/mine/"


def test_a_stream_has_no_panel(rf: RequestFactory) -> None:
    queue = Queue.objects.create(
        broker=Broker.objects.create(slug="default"), vhost="/", name="s", type="stream"
    )
    assert hooks.queue_panel(queue, rf.get("/")) is None


def test_everything_is_registered(client: Any) -> None:
    assert hooks.queue_panel in shared._queue_panels
    assert hooks.find in shared._find
    assert hooks.attention in shared._attention
    assert hooks.tiles in shared._tiles
    make_process(make_consumer(desired="running"))
    badge = shared.nav_badge("consumers", "default")
    assert badge is not None


def test_no_host_for_it_needs_attention_and_leads_to_the_hosts() -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", placement="gpu", replicas=2)
    (found,) = attention()
    assert (found.level, found.actions[0].href) == ("broken", "/consumers/hosts/")
    assert "it asks for gpu, and no host has that" in found.text
    make_process(consumer)  # from before the label was asked for
    assert attention()[0].level == "watch"
