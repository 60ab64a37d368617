"""What mqadmin shows with the rights that the broker's user has: each that is missing in its own words.

On a real broker, for each tag with each permission; the users are made and deleted here.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.queues.pages import live_queue, rights
from mqadmin.queues.pages.broker_status import status_of
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import RabbitError
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.queues.conftest import Api, make_queue
from tests.support.management import Management
from tests.support.vhosts import temporary_vhost

pytestmark = [pytest.mark.broker, pytest.mark.django_db]

ALL, READ, NOTHING = (".*", ".*", ".*"), ("", "", ".*"), ("", "", "")
TAGS = ["", "management", "policymaker", "monitoring", "administrator"]
PERMISSIONS = {"none": None, "nothing": NOTHING, "read": READ, "all": ALL}


@dataclass
class Account:
    """A user of the broker, `own` and `other`: a vhost each, with a queue `work`; it may have rights on `own`."""

    admin: Management
    config: BrokerConfig
    own: str
    other: str

    @property
    def name(self) -> str:
        return self.config.username

    def becomes(self, tag: str, permission: tuple[str, str, str] | None) -> None:
        """Make it a user with one tag and these permissions (configure, write, read) on `own`."""
        self.admin.create_user(self.name, "right", tags=[tag] if tag else [])
        self.admin.clear_permissions(self.own, self.name)
        if permission is not None:
            configure, write, read = permission
            self.admin.set_permissions(self.own, self.name, configure=configure, write=write, read=read)
        live_queue._may_not_ask.clear()

    def sample(self) -> Broker:
        """Sample as it; return what is known of the broker."""
        sampler = Sampler("default", ManagementClient(self.config))
        try:
            sampler.sample()
        except RabbitError as error:
            sampler.fail(error)
        return Broker.objects.get()


@pytest.fixture
def account(
    broker_config: BrokerConfig, management: Management, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Account]:
    name = f"who-{uuid.uuid4().hex[:8]}"
    host = broker_config.management_base.removeprefix("http://")
    config = replace(
        broker_config,
        amqp_url=f"amqp://{name}:right@{broker_config.address}/",
        management_url=f"http://{name}:right@{host}",
    )
    monkeypatch.setattr(brokers, "_configs", {"default": config})
    with temporary_vhost(broker_config, "other") as other:
        for place in (vhost, other):
            management.declare_queue(place, "work")
        found = Account(management, config, vhost, other)
        found.becomes("", None)
        yield found
        management.delete_user(name)
    brokers.forget()


def page(client: Client, name: str, *args: int) -> str:
    text = client.get(reverse(name, args=args)).content.decode()
    return " ".join(unescape(re.sub("<[^>]*>", " ", text.partition("<main")[2])).split())


def is_hidden(queue: Queue) -> bool:
    return "unseen" in {reason["code"] for reason in queue.health_reasons}


def test_a_wrong_password_is_that_and_no_right(account: Account) -> None:
    account.becomes("monitoring", ALL)
    wrong = replace(
        account.config, management_url=account.config.management_url.replace(":right@", ":wrong@")
    )
    row = replace(account, config=wrong).sample()
    assert (row.reachable, row.error_code) == (False, "login_refused")
    assert "password" in status_of("default").text


@pytest.mark.parametrize("tag", TAGS)
def test_every_account_is_shown_what_it_may_see_and_told_what_not(
    account: Account, viewer: Client, api: Api, tag: str
) -> None:
    hosts = {account.own, account.other}
    for kind, permission in PERMISSIONS.items():
        account.becomes(tag, permission)
        row = account.sample()
        overview, listed = page(viewer, "overview"), page(viewer, "queue_list")
        (told,) = api.get("/brokers").json()["items"]
        assert "password" not in overview.replace("Its password is right.", ""), (tag, kind)
        if tag == "":
            assert (row.reachable, row.error_code, told["error_code"]) == (
                False,
                "tag_missing",
                "tag_missing",
            )
            assert "lacks a tag" in overview
            assert "“monitoring”" in overview
            continue
        assert (row.reachable, row.error) == (True, ""), (tag, kind)
        seen = hosts if tag == "administrator" else {account.own} if permission is not None else set()
        rows = Queue.objects.filter(vhost__in=hosts, gone_at__isnull=True)
        assert {queue.vhost for queue in rows if not is_hidden(queue)} == seen, (tag, kind)
        codes = {item["code"] for item in told["unseen"]}
        assert ("no_monitoring" in codes) == (tag in ("management", "policymaker")), (tag, kind)
        assert bool(row.nodes) == (tag in ("monitoring", "administrator"))
        is_told_of_vhosts = tag == "monitoring" or (permission is None and tag != "administrator")
        assert ("no_permission" in codes) == is_told_of_vhosts, (tag, kind)
        if tag == "monitoring":
            hidden = set(row.unseen["vhosts"])
            assert hosts - seen == hosts & hidden
        for note in rights.notes(row):
            assert note.title in overview, (tag, kind)
            assert note.title in listed, (tag, kind)
            assert account.name in note.cure
        if rights.is_blind(row):
            assert "No virtual host can be seen" in overview
        assert "No queues yet" not in overview + listed or not codes


@pytest.mark.parametrize("tag", ["management", "monitoring", "administrator"])
def test_a_queue_whose_permission_is_withdrawn_is_not_gone(
    account: Account, operator: Client, viewer_api: Api, tag: str
) -> None:
    account.becomes(tag, ALL)
    sampler = Sampler("default", ManagementClient(account.config))
    sampler.sample()
    queue = Queue.objects.get(vhost=account.own)
    account.admin.clear_permissions(account.own, account.name)
    sampler.sample()
    queue.refresh_from_db()
    assert queue.gone_at is None
    text, answer = page(operator, "queue_detail", queue.pk), viewer_api.get(f"/queues/{queue.pk}")
    assert "is gone" not in text
    if tag == "administrator":  # sees everything, and may do nothing
        assert not is_hidden(queue)
        assert answer.status_code == 200
        assert f"lacks the read permission on “work” in vhost “{account.own}”" in text
        assert "lacks the write permission on “amq.default”" in text
        return
    assert (queue.ready, queue.health, is_hidden(queue)) == (None, "unknown", True)
    assert "no permission on its virtual host" in text
    assert "The broker's user may not see this virtual host" in text
    assert "login" not in text
    assert (answer.status_code, answer.json()["code"]) == (409, "vhost_refused")
    account.admin.set_permissions(account.own, account.name)
    sampler._mapped_at = float("-inf")
    sampler.sample()
    queue.refresh_from_db()
    assert (is_hidden(queue), queue.gone_at) == (False, None)
    account.admin.clear_permissions(account.own, account.name)
    account.admin.delete_vhost(account.own)
    sampler.sample()
    queue.refresh_from_db()
    assert queue.gone_at is not None, "a virtual host that is deleted is gone, whoever looks"
    account.admin.create_vhost(account.own)


@pytest.mark.parametrize(
    ("permission", "act", "body", "lacks"),
    [
        (NOTHING, "peek", {"count": 1}, ("“work”", "read")),
        (
            READ,
            "publish",
            {"body": "x", "encoding": "utf-8"},
            ("default exchange (amq.default)", "write permission"),
        ),
    ],
)
def test_an_act_names_the_permission_that_it_lacks(
    account: Account,
    api: Api,
    broker: Broker,
    permission: tuple[str, str, str],
    act: str,
    body: dict[str, object],
    lacks: tuple[str, ...],
) -> None:
    account.becomes("monitoring", permission)
    queue = make_queue(broker, "work", account.own)
    answer = api.post(f"/queues/{queue.pk}/{act}", body).json()
    for words in (*lacks, f"“{account.name}”", f"in vhost “{account.own}”"):
        assert words in answer["detail"]
    assert "login" not in answer["detail"]
    assert answer["code"] != "login_refused"


def test_alarms_are_known_also_to_who_may_not_see_nodes(account: Account) -> None:
    account.becomes("management", ALL)
    row = account.sample()
    assert (row.nodes, row.alarms, row.unseen["alarms"]) == ([], [], False)
