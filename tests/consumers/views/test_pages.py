"""Every page: it works, refuses the wrong method and the wrong person, and never renders data as markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess
from mqadmin.queues.models import Broker, Queue
from tests.support.consumers import count, make_consumer, make_process, make_record, make_supervisor

pytestmark = pytest.mark.django_db

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}
EVIL = "<script>alert('x')</script>&amp;\"'"


def get(client: Client, name: str, *args: Any, fragment: bool = False, **query: Any) -> Any:
    return client.get(reverse(name, args=args), query, headers=HX if fragment else {})


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


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


def test_list_says_what_runs_and_why_not(viewer: Client) -> None:
    make_supervisor()
    good = make_consumer(name="good", desired="running")
    count(make_process(good, rate=34.8), (5, "acked", 100), (5, "dead_lettered", 100))
    bad = make_consumer(name="bad", desired="running", replicas=3)
    make_process(bad, state="failed", state_reason="exit 137, killed")

    text = text_of(get(viewer, "consumer_list"))

    assert "1 <i>of 2</i>" in text
    assert "1 of 3: exit 137, killed" in text
    assert "34.8" in text
    assert "50 %" in text


@pytest.mark.parametrize(
    ("handled", "sentence"),
    [
        ((), "No message in the last hour."),
        (((5, "acked", 1),), "Nothing failed in the last hour."),
        (((5, "acked", 1), (5, "dead_lettered", 1)), "1 failed in the last hour."),
    ],
)
def test_what_runs_says_how_well(viewer: Client, handled: Any, sentence: str) -> None:
    make_supervisor()
    consumer = make_consumer(name="good", desired="running")
    count(make_process(consumer), *handled)
    for page in (get(viewer, "consumer_list"), get(viewer, "consumer_detail", "good")):
        assert sentence in text_of(page)


def test_list_costs_the_same_for_any_number(viewer: Client, django_assert_max_num_queries: Any) -> None:
    for _n in range(30):
        consumer = make_consumer(desired="running")
        count(make_process(consumer), (5, "acked", 10))
        make_record(consumer, outcome="dead_lettered", error_type="E")
    with django_assert_max_num_queries(20):
        get(viewer, "consumer_list", fragment=True)


def test_list_fragment_is_the_table_alone_and_unchanged_costs_304(viewer: Client) -> None:
    make_consumer()
    first = get(viewer, "consumer_list", fragment=True)
    assert first.content.decode().lstrip().startswith('<div id="consumers"')
    again = viewer.get(reverse("consumer_list"), headers={**HX, "If-None-Match": first["ETag"]})
    assert again.status_code == 304


def test_list_warns_of_a_missing_supervisor(viewer: Client) -> None:
    make_consumer()
    assert "No supervisor is running" in text_of(get(viewer, "consumer_list"))
    make_supervisor(heartbeat_at=timezone.now() - timedelta(seconds=11))
    assert "No supervisor is running" in text_of(get(viewer, "consumer_list"))
    make_supervisor("host-b")
    assert "No supervisor is running" not in text_of(get(viewer, "consumer_list"))


def test_denied_buttons_are_there_and_say_why(viewer: Client, operator: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="orders", desired="running"))
    seen = text_of(get(viewer, "consumer_detail", "orders"))
    assert "/consumers/orders/stop/" not in seen
    assert seen.count("This needs the role operator or admin.") >= 2
    seen = text_of(get(operator, "consumer_detail", "orders"))
    assert 'formaction="/consumers/orders/stop/?from=running"' in seen
    assert "This needs the role admin." in seen


def test_detail_shows_processes_events_and_older_settings(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", revision=2)
    make_process(consumer, revision=1, pid=4711, rss_bytes=64 * 1024 * 1024)
    ConsumerEvent.objects.create(
        consumer=consumer, at=timezone.now(), kind="crashed", text="It crashed: boom"
    )

    text = text_of(get(viewer, "consumer_detail", "orders"))

    for part in ("4711", "64.0", "1 process runs with older settings", "It crashed: boom"):
        assert part in text


@pytest.mark.parametrize(
    "name", ["start", "stop", "pause", "resume", "restart", "redeliver", "kill", "scale", "delete"]
)
def test_acts_need_post_and_permission(viewer: Client, admin: Client, name: str) -> None:
    make_consumer(name="orders")
    address = reverse(f"consumer_{name}", args=["orders"])
    assert admin.get(address).status_code == 405
    assert viewer.post(address).status_code == 403
    assert Consumer.objects.get().desired == "stopped"


def test_operator_starts_and_stops_but_does_not_delete(operator: Client) -> None:
    make_consumer(name="orders")
    response = operator.post("/consumers/orders/start/")
    assert response.status_code == 302
    assert response["Location"] == "/consumers/orders/"
    assert Consumer.objects.get().desired == "running"
    over_htmx = operator.post("/consumers/orders/stop/", headers=HX)
    assert over_htmx.status_code == 204
    assert "finishes what is in hand" in over_htmx["HX-Trigger"]
    assert operator.post("/consumers/orders/delete/").status_code == 403


def test_a_click_too_late_is_told_so(operator: Client) -> None:
    make_consumer(name="orders", desired="running")
    response = operator.post("/consumers/orders/start/", headers=HX)
    assert response.status_code == 409
    assert "It is told to run already." in response["HX-Trigger"]


def test_scale(operator: Client) -> None:
    make_consumer(name="orders")
    assert operator.post("/consumers/orders/scale/", {"replicas": "3"}).status_code == 302
    assert Consumer.objects.get().replicas == 3
    for bad in ("", "many", "0", "51"):
        assert operator.post("/consumers/orders/scale/", {"replicas": bad}).status_code == 422
    assert Consumer.objects.get().replicas == 3


def test_kill_one_process(operator: Client) -> None:
    process = make_process(make_consumer(desired="running"))
    assert operator.post(reverse("process_kill", args=[process.pk])).status_code == 302
    assert ConsumerProcess.objects.get().kill_requested_at is not None


def test_delete(admin: Client) -> None:
    make_consumer(name="orders")
    make_consumer(name="collector", is_collector=True)
    assert admin.post("/consumers/orders/delete/")["Location"] == "/consumers/"
    refused = admin.post("/consumers/collector/delete/")
    assert refused.status_code == 409
    assert "stop tracking" in refused.content.decode()
    assert [consumer.name for consumer in Consumer.objects.all()] == ["collector"]


def test_output_is_shown_or_said_to_be_elsewhere(viewer: Client, settings: Any, tmp_path: Any) -> None:
    settings.VAR_DIR = tmp_path
    process = make_process(make_consumer())
    assert "It is not on this host" in text_of(get(viewer, "process_output", process.pk))
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / f"{process.pk}.out").write_text(f"hello {EVIL}\n")
    text = text_of(get(viewer, "process_output", process.pk))
    assert "hello &lt;script&gt;" in text


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


def listed(client: Client, **query: str) -> list[str]:
    text = text_of(get(client, "consumer_list", fragment=True, **query))
    return re.findall(r'<a href="/consumers/([a-z-]+)/" data-key-open>', text)


def test_list_is_filtered_by_text_and_state(viewer: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="mail-a", desired="running"))
    make_consumer(name="pictures", queue="MAIL.out")
    make_process(make_consumer(name="broken", desired="running"), state="failed", state_reason="exit 1")
    assert listed(viewer) == ["broken", "mail-a", "pictures"]
    assert listed(viewer, q=" Mail ") == ["mail-a", "pictures"]
    assert listed(viewer, q="record") == ["broken", "mail-a", "pictures"]  # the handler
    assert listed(viewer, state="stopped") == ["pictures"]
    assert listed(viewer, state="trouble") == ["broken"]
    assert listed(viewer, q="mail", state="running") == ["mail-a"]
    assert listed(viewer, state="no-such") == ["broken", "mail-a", "pictures"]


def test_the_filter_is_in_the_address_and_the_live_part_keeps_it(viewer: Client) -> None:
    make_consumer(name="mail-a")
    text = text_of(get(viewer, "consumer_list", q='"><b', state="stopped"))
    assert 'value="&quot;&gt;&lt;b"' in text
    assert '<option value="stopped" selected>' in text
    assert "No consumer of this broker matches the filter." in text
    assert 'hx-get="/consumers/?q=%22%3E%3Cb&amp;state=stopped"' in text
    text = text_of(get(viewer, "consumer_list", q="mail"))
    assert "1 of 1 consumers match" in text


def test_the_tiles_count_all_consumers_and_stay_live(viewer: Client) -> None:
    make_supervisor()
    make_process(make_consumer(name="a", desired="running"))
    make_process(make_consumer(name="b", desired="running"))
    text = text_of(get(viewer, "consumer_list", fragment=True, q="nothing like it"))
    assert 'id="consumer-tiles" hx-swap-oob="outerMorph"' in text
    assert "<b>2 <i>of 2</i>" in text


def test_a_process_tells_of_its_connection(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", prefetch=20)
    make_process(
        consumer,
        connected_at=timezone.now() - timedelta(hours=3, minutes=12, seconds=10),
        connections=4,
        connection_errors=3,
        channel_errors=1,
        failed=212,
        in_flight=18,
        blocked_reason="low on memory",
    )
    text = text_of(get(viewer, "consumer_detail", "orders"))
    assert "connected 3 h 12 min, 4th connection, 3 connection errors, 1 channel error" in text
    assert "RabbitMQ takes no copies from it: low on memory" in text
    assert '18<span class="dim"> / 20</span>' in text
    assert "<b>3</b> of connections" in text
    assert "<b>1</b> of a channel" in text
    assert "<b>212</b> of messages" in text
    assert "Redeliver 18 in hand" in text


def test_nothing_in_hand_nothing_to_redeliver(viewer: Client, operator: Client) -> None:
    make_supervisor()
    process = make_process(make_consumer(name="orders", desired="running"))
    assert "Nothing is in hand." in text_of(get(operator, "consumer_detail", "orders"))
    ConsumerProcess.objects.filter(pk=process.pk).update(in_flight=1)
    assert 'formaction="/consumers/orders/redeliver/"' in text_of(get(operator, "consumer_detail", "orders"))
    assert 'formaction="/consumers/orders/redeliver/"' not in text_of(
        get(viewer, "consumer_detail", "orders")
    )
    Consumer.objects.update(ack="auto")
    text = text_of(get(operator, "consumer_detail", "orders"))
    assert "RabbitMQ has forgotten what it delivered" in text


def test_an_operator_redelivers(operator: Client) -> None:
    make_consumer(name="orders", desired="running")
    response = operator.post("/consumers/orders/redeliver/", headers=HX)
    assert (response.status_code, Consumer.objects.get().redelivers) == (204, 1)
    assert "back to the queue" in response["HX-Trigger"]


def tile(text: str, label: str) -> str:
    found = re.search(rf"<small>{label}</small>\s*<b>(.*?)</b>", text)
    assert found is not None
    return re.sub(r"<[^>]*>", "", found[1]).strip()


def test_retries_of_the_vhost_are_shown_as_the_monitor_saw_them(viewer: Client) -> None:
    make_consumer(name="orders", vhost="shop")
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "– in the vhost"
    broker = Broker.objects.create(slug="default", sampled_at=timezone.now())
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "0 in the vhost"
    for vhost, name in (
        ("shop", "mqadmin.delay.1000"),
        ("shop", "mqadmin.delay.4000"),
        ("/", "mqadmin.delay.1"),
    ):
        Queue.objects.create(broker=broker, vhost=vhost, name=name, total=3)
    assert tile(text_of(get(viewer, "consumer_detail", "orders")), "Waiting for retry") == "6 in the vhost"


def test_the_definition_names_what_is_not_as_usual(viewer: Client) -> None:
    make_consumer(name="plain")
    make_consumer(
        name="special",
        mode="pull",
        pull_interval=0.5,
        batch_size=50,
        connection_retries=20,
        connection_delay=9,
        connect_attempts=1,
        dedupe_key="json",
        dedupe_path="order.id",
        dedupe_seconds=3600,
    )
    words = [
        "a look every 500 ms",
        "up to 50 messages",
        "20 retries, the first after 9 s",
        "1 attempt, then the process ends",
        "by order.id in the JSON body, within 1 h",
    ]
    plain, special = (text_of(get(viewer, "consumer_detail", name)) for name in ("plain", "special"))
    assert [part for part in words if part not in special] == []
    for label in ("Mode", "Batches", "Not reachable", "Connecting", "Duplicates"):
        assert f"<dt>{label}</dt>" in special
        assert f"<dt>{label}</dt>" not in plain
