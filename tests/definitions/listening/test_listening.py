"""The event exchange of a real broker: heard, kept without secrets, shown at what changed; nothing is left
behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.keeping import asking, events, versions, who
from mqadmin.definitions.listening import thread
from mqadmin.definitions.listening.thread import EventsThread
from mqadmin.definitions.models import Event, Part, Version, Watch
from mqadmin.definitions.pages import timeline
from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from tests.core.conftest import SignIn, sign_in  # noqa: F401
from tests.definitions.conftest import HARD, Town
from tests.support.management import Management
from tests.support.pages import html
from tests.support.vhosts import temporary_vhost
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def plugged(broker_config: BrokerConfig, request: pytest.FixtureRequest) -> Iterator[BrokerConfig]:
    """A broker with the plugin: that of the run where it has it, else a node of the test's own."""
    if asking.client("default").event_vhost() is not None:
        yield broker_config
        return
    node: Node = request.getfixturevalue("restartable_broker")
    patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    patch.setenv("RABBITMQ_URL", node.amqp_url)
    patch.setenv("RABBITMQ_MANAGEMENT_URL", node.management_url)
    brokers.forget()
    yield brokers.config("default")


@pytest.fixture
def place(plugged: BrokerConfig, transactional_db: None) -> Iterator[Town]:
    """A virtual host of the broker with the plugin, and another user of the broker who changes things there."""
    management = Management(plugged)
    with temporary_vhost(plugged) as vhost:
        town = Town(vhost, f"user-{vhost}", management)
        management.create_user(town.user, "hunter2secret", tags=["administrator"])
        management.set_permissions(vhost, town.user, configure=".*", write=".*", read=".*")
        yield town
        management.delete_user(town.user)
    management.close()


@contextmanager
def listening() -> Iterator[None]:
    stop = threading.Event()
    running = threading.Thread(target=EventsThread("default", stop).run, daemon=True)
    running.start()
    try:
        wait_until(lambda: Watch.objects.filter(listening_since__isnull=False).exists(), 20)
        yield
    finally:
        stop.set()
        running.join()


def other(config: BrokerConfig, town: Town) -> Management:
    """A client of the broker that signs in as the other user."""
    urls = {
        "RABBITMQ_URL": config.amqp_url.replace(f"//{config.username}:", f"//{town.user}:"),
        "RABBITMQ_MANAGEMENT_URL": f"http://{town.user}:hunter2secret@"
        + config.management_url.rpartition("@")[2],
    }
    return Management(load(urls)["default"])


def test_who_changed_it_is_told_by_the_broker(
    place: Town,
    plugged: BrokerConfig,
    sign_in: SignIn,  # noqa: F811
) -> None:
    place.management.declare_queue(place.vhost, HARD[1])
    place.management.bind(place.vhost, "amq.topic", HARD[1], "a.#", arguments={"n": 1})
    asking.look("default")
    with listening():
        theirs = other(plugged, place)
        theirs.set_policy(place.vhost, HARD[0], "^x", {"max-length": 7})
        theirs.delete_queue(place.vhost, HARD[1])
        value = {"src-protocol": "amqp091", "src-uri": "amqp://joe:hunter4secret@127.0.0.1:1"}
        value |= {"src-queue": "a", "dest-protocol": "amqp091", "dest-queue": "b"}
        body = {"value": {**value, "dest-uri": "amqp://127.0.0.1:1"}}
        place.call("PUT", "parameters", "shovel", place.vhost, "s", body=body)
        place.call("DELETE", "parameters", "shovel", place.vhost, "s")
        theirs.close()
        wait_until(lambda: Event.objects.filter(name="parameter.cleared").exists(), 20)
        version = asking.look("default")
        assert version is not None
        # The monitor is to look at once: said after the events are written, which is seen above.
        wait_until(lambda: Watch.objects.filter(wanted_at__isnull=False).exists(), 10)
        wait_until(lambda: not Watch.objects.filter(listening_since=None).exists(), 20)
        page = html(sign_in("admin").get(reverse("definitions_version", args=[version.pk])))
    earlier = versions.before(version)
    assert earlier is not None
    traces = who.traces("default", version.since, version.at)
    found = {
        item.key.kind: traces.of(item.key, is_gone=item.after is None)
        for item in versions.between(earlier, version, vhost=place.vhost)
    }
    told = {kind: (deed.actor, deed.action, deed.is_told) for kind, deed in found.items() if deed}
    assert told == {
        "policy": (place.user, "policy.set", True),
        "queue": (place.user, "queue.deleted", True),
        "binding": (place.user, "queue.deleted", True),  # it went with its queue
    }
    assert place.user in [item["actor"] for item in version.who if item.get("told")]
    assert "user of the broker, by its event" in page
    assert "policy.set" in page
    assert "queue.deleted" in page
    stored = [list(rows.values()) for rows in (Event.objects, Watch.objects, Version.objects)]
    assert "hunter" not in str(stored)
    assert "hunter" not in str([bytes(part.data) for part in Part.objects.all()])
    names = [item.name for item in place.management.queues("/")]
    assert not [name for name in names if name.startswith("mqadmin.events.")]  # nothing is left behind


def test_what_was_heard_after_the_look_is_told_at_its_version(place: Town) -> None:
    asking.look("default")
    place.management.set_policy(place.vhost, "p", "^x", {"max-length": 7})
    version = asking.look("default")
    assert version is not None
    assert version.who == []
    subject = events.subject("policy", place.vhost, ("p",))
    heard = [events.Heard(version.at - timedelta(milliseconds=10), "policy.set", subject, "ann")]
    EventsThread("default", threading.Event())._keep(heard)
    version.refresh_from_db()
    assert version.who == [{"actor": "ann", "action": "policy.set", "told": "1"}]


def test_without_the_plugin_it_is_said_how_to_enable_it(
    broker_config: BrokerConfig,
    sign_in: SignIn,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mqadmin.rabbit.administration.definitions._EVENTS", "amq.rabbitmq.no-such")
    assert EventsThread("default", threading.Event()).turn() == thread.NO_PLUGIN_S
    page = html(sign_in("admin").get(reverse("definitions_list")))
    assert timeline.ENABLE in page
    assert "seen once a minute" in page


@pytest.mark.any_version
@pytest.mark.parametrize("ours_later", [False, True])
def test_a_later_act_of_the_brokers_user_wins(ours_later: bool, db: None) -> None:
    key = Key("policy", "/", ("p",))
    at = datetime(2026, 1, 1, tzinfo=UTC)
    entry = AuditEntry(actor="ann", action="policy.set", target="/:p", at=at + timedelta(minutes=ours_later))
    told = events.Told(
        {events.of_key(key): events.Heard(at + timedelta(seconds=30), "policy.set", "", "bob")}
    )
    deed = who.Traces([entry], told=told).of(key)
    assert deed is not None
    assert (deed.actor, deed.is_told) == (("ann", False) if ours_later else ("bob", True))
    own = who.Traces([entry], told=told, own_user="bob").of(key)
    assert own is not None
    assert own.actor == "ann"  # mqadmin signs in as bob: it was ann's act


@pytest.mark.any_version
def test_old_events_and_too_many_are_dropped(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_OF_BROKER", 3)
    now = datetime(2026, 1, 1, tzinfo=UTC)
    ages = [500, 400, 4, 3, 2, 1]
    heard = [events.Heard(now - timedelta(days=age), f"a{age}", "", "") for age in ages]
    events.write("default", heard)
    events.write("other", heard[-1:])
    assert events.forget(now) == "3 events of definitions"
    left = Event.objects.filter(broker="default").values_list("name", flat=True)
    assert list(left) == ["a3", "a2", "a1"]
    assert Event.objects.filter(broker="other").count() == 1
