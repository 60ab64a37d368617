"""The map's page and picture: from rows and the broker's exchanges; what is alike is one box."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.deadletters.map import drawing, mapping
from mqadmin.deadletters.map.mapping import Mapped, MappedQueue
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.topology import redflags
from mqadmin.rabbit.topology.topology import dead_letter_map
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, QueueInfo
from tests.deadletters.conftest import Place as RealPlace
from tests.support.pages import html


def mapped(queues: list[QueueInfo], bindings: list[BindingInfo] | None = None) -> Mapped:
    found = dead_letter_map(queues, bindings or [], [ExchangeInfo("/", "dlx", "topic")])
    wrong = redflags.flags(queues, found)
    places = {
        item.name: MappedQueue(
            Queue(pk=number, name=item.name, total=2), found[item.key], wrong.get(item.key, ())
        )
        for number, item in enumerate(queues)
        if found[item.key].exchange is not None or found[item.key].from_
    }
    return Mapped("/", places)


def queue(name: str, dlx: str | None = None, key: str | None = None, **more: Any) -> QueueInfo:
    arguments = {"x-dead-letter-exchange": dlx, "x-dead-letter-routing-key": key, **more.pop("arguments", {})}
    known = {name: value for name, value in arguments.items() if value is not None}
    return QueueInfo(vhost="/", name=name, type="classic", arguments=known, **more)


def test_queues_are_left_of_where_their_letters_go() -> None:
    picture = drawing.draw(mapped([queue("a", "", "b"), queue("b", "", "c"), queue("c")]))
    at = {box.title: box.x for box in picture.boxes}
    assert at["a"] < at["b"] < at["c"]
    assert [line.is_back for line in picture.lines] == [False, False]


def test_a_delay_loop_goes_back_and_ends() -> None:
    retry = queue("retry", "", "main", arguments={"x-message-ttl": 9}, consumers=0)
    picture = drawing.draw(mapped([queue("main", "", "retry", consumers=1), retry]))
    assert sorted(line.is_back for line in picture.lines) == [False, True]
    assert {box.title: box.kind for box in picture.boxes}["retry"] == "delay"


def test_a_retry_queue_is_a_delay_and_what_it_leads_to_no_inbox() -> None:
    retry = queue("retry.5s", "", "work", arguments={"x-message-ttl": 5000}, consumers=0)
    picture = drawing.draw(mapped([retry, queue("work", consumers=1), queue("a", "", "dlq"), queue("dlq")]))
    assert {box.title: box.kind for box in picture.boxes} == {
        "retry.5s": "delay",
        "work": "source",
        "a": "source",
        "dlq": "inbox",
    }


def test_what_is_alike_is_one_box() -> None:
    """200 queues, each with a dead-letter queue of its own, and 50 that share one."""
    queues = []
    for number in range(200):
        queues += [queue(f"shop.{number}", "", f"shop.{number}.dlq"), queue(f"shop.{number}.dlq")]
    queues += [queue(f"mail.{number}", "", "mail.dlq") for number in range(50)] + [queue("mail.dlq")]
    picture = drawing.draw(mapped(queues))
    assert sorted(len(box.names) for box in picture.boxes) == [1, 50, 200, 200]
    assert picture.left_out == 0
    assert {box.title for box in picture.boxes} == {"shop.…", "shop.….dlq", "mail.…", "mail.dlq"}
    assert len(picture.lines) == 2


def test_what_is_wrong_stands_alone_and_lost_letters_have_a_place() -> None:
    queues = [queue(f"q{number}", "", "dlq") for number in range(9)] + [queue("dlq")]
    queues += [queue("vanish", "gone"), queue("limited", "", "small")]
    queues += [queue("small", arguments={"x-max-length": 9})]
    picture = drawing.draw(mapped(queues))
    boxes = {box.title: box for box in picture.boxes}
    assert boxes["vanish"].level == boxes["small"].level == "red"
    assert boxes["limited"].level == ""
    assert boxes[""].kind == "lost"
    assert [line.level for line in picture.lines].count("red") == 1


def test_boxes_do_not_overlap_and_all_are_in_the_picture() -> None:
    queues = [
        queue(f"{name}.{number}", "", f"{name}.{number % 7}.dlq") for number in range(40) for name in "abcdef"
    ]
    queues += [queue(f"{name}.{number}.dlq") for number in range(7) for name in "abcdef"]
    picture = drawing.draw(mapped(queues))
    places = [(box.x, box.y) for box in picture.boxes]
    for x, y in places:
        assert 0 <= x <= picture.width - drawing.WIDTH
        assert 0 <= y <= picture.height - drawing.HEIGHT
        near = [(x, y) for a, b in places if abs(a - x) < drawing.WIDTH and abs(b - y) < drawing.HEIGHT]
        assert len(near) == 1


def test_many_that_differ_are_bounded() -> None:
    queues = [queue(f"n{number * 7919 % 1000}", "", f"other{number}") for number in range(400)]
    queues += [queue(f"other{number}") for number in range(400)]
    picture = drawing.draw(mapped(queues))
    assert len(picture.boxes) <= drawing.MOST_BOXES + 1
    assert picture.left_out == sum(len(place) > 0 for place in mapped(queues).places) - sum(
        len(box.names) for box in picture.boxes
    )


def test_every_flag_has_words_and_a_fix() -> None:
    for code in redflags.LEVELS:
        what, fix = mapping.in_words(redflags.Flag(("/", "q"), code, value="1000"))
        assert what.endswith((".", "vanish."))
        assert fix.endswith(".")


@pytest.fixture
def viewer(db: None, broker_config: BrokerConfig) -> Client:
    mapping.forget()
    user = User.objects.create_user("vera", password="x")
    user.groups.add(Group.objects.get(name="viewer"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.broker
@pytest.mark.django_db
def test_the_page_shows_the_brokers_own_topology(viewer: Client, place: RealPlace) -> None:
    place.channel.queue_declare("lost", durable=True, arguments={"x-dead-letter-exchange": "gone"})
    place.row("orders", arguments={"x-dead-letter-exchange": "dlx"}, total=3)
    place.row("dlx.orders", arguments={"x-max-length": 10})
    place.row("lost", arguments={"x-dead-letter-exchange": "gone"})
    place.row("plain <b>")
    page = viewer.get("/dead-letters/map/", {"vhost": place.vhost}).content.decode()
    assert "“gone” does not exist: letters vanish" in page.replace("&quot;", '"')
    assert "Beyond 10 letters the oldest letters are dropped" in page
    assert re.search(r'class="box inbox red"', page)
    assert page.count('class="line') >= 2
    assert "1 queue has nothing to do" in page
    wrong = viewer.get("/dead-letters/map/", {"vhost": place.vhost, "show": "wrong"}).content.decode()
    assert "lost" in wrong
    assert "style=" not in page.split("<main", 1)[-1]
    none = viewer.get("/dead-letters/map/", {"vhost": place.vhost, "q": "zzz"}).content.decode()
    assert "Nothing matches" in none


@pytest.mark.broker
@pytest.mark.django_db
@pytest.mark.parametrize(("version", "is_said"), [("4.3.6", True), ("4.2.5", False)])
def test_letters_that_keep_their_count_are_told_of(
    version: str, is_said: bool, viewer: Client, place: RealPlace
) -> None:
    place.row("orders", type="quorum", arguments={"x-dead-letter-exchange": "dlx"})
    place.row("dlx.orders", type="quorum")
    Broker.objects.update(product="RabbitMQ", version=version)
    page = viewer.get("/dead-letters/map/", {"vhost": place.vhost}).content.decode()
    assert ("at a delivery limit of 20 the first return here" in page) is is_said


@pytest.mark.broker
@pytest.mark.django_db
def test_what_a_headers_exchange_chooses_is_said_as_it_chooses(viewer: Client, place: RealPlace) -> None:
    place.channel.exchange_declare("rest", "fanout")
    place.channel.exchange_declare("picky", "headers", arguments={"alternate-exchange": "rest"})
    for name, headers in (("one", {"a": 1}), ("two", {"a": 1, "b": 2}), ("every", {})):
        place.channel.queue_declare(name)
        place.row(name)
        place.channel.queue_bind(name, "picky", "", {"x-match": "all", **headers})
    place.row("orders", arguments={"x-dead-letter-exchange": "picky"})

    def shown() -> str:
        page = html(viewer.get("/dead-letters/map/", {"vhost": place.vhost}))
        return " ".join(
            re.sub("<[^>]*>", " ", page.partition("ways-out")[2].partition("</table>")[0]).split()
        )

    assert "each message's own key every each that matches: one, two" in shown().replace("&#x27;", "'")
    place.channel.queue_unbind("every", "picky", "", {"x-match": "all"})
    mapping.forget()
    assert "each that matches: one, two what matches none is lost" in shown()
    place.channel.queue_bind("every", "rest")
    mapping.forget()
    assert "each that matches: one, two else every" in shown()
    assert "one of" not in shown()


@pytest.mark.django_db
def test_without_the_broker_the_last_sample_is_shown(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from mqadmin.core import brokers

    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", "http://guest:guest@127.0.0.1:1/")
    brokers.forget()
    broker = Broker.objects.create(slug="default")
    Queue.objects.create(
        broker=broker,
        vhost="/",
        name="orders",
        dead_letters_to=["dlq"],
        arguments={"x-dead-letter-exchange": ""},
    )
    Queue.objects.create(
        broker=broker, vhost="/", name="dlq", dead_letters_from=["orders"], is_inbox=True, total=1
    )
    Queue.objects.create(broker=broker, vhost="!", name="first in the alphabet")
    page = viewer.get("/dead-letters/map/").content.decode()
    assert "Exchanges and bindings are not known now" in page
    assert page.count('class="line') >= 1
    assert ">1 message<" in page


@pytest.mark.django_db
def test_the_last_sample_knows_what_a_delay_lets_go() -> None:
    broker = Broker.objects.create(slug="default")
    dlx = {"x-dead-letter-exchange": "", "x-message-ttl": 5000}
    Queue.objects.create(
        broker=broker, vhost="/", name="retry", dead_letters_to=["work"], arguments=dlx, is_delay=True
    )
    Queue.objects.create(broker=broker, vhost="/", name="work", dead_letters_from=["retry"], consumers=1)
    found = mapping._sampled(Queue.objects.all())
    assert found["/", "work"].only_expired
    assert not found["/", "work"].leads_back
    assert found.inboxes() == []
