"""Users, their rights and limits, from the page and through the API, on a real broker."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pika
import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from mqadmin.administration.limits import acts as limit_acts
from mqadmin.administration.models import Packed
from mqadmin.administration.permissions import acts
from mqadmin.administration.users import acts as user_acts
from mqadmin.administration.users.acts import NewLogin
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.administration import limits, permissions, users
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NotFound
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")
GIVEN = {"broker": "default", "by": ANN}
SECRET = "sw0rdfish-Kestrel"


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


@pytest.fixture
def user(management: Management) -> Iterator[str]:
    """The name of a user that may be made, and is deleted afterwards."""
    name = f"user-{uuid.uuid4().hex[:10]}"
    yield name
    try:
        management.delete_user(name)
    except NotFound:
        pass


def connects(config: BrokerConfig, vhost: str, name: str, password: str) -> pika.BlockingConnection:
    parameters = config.connection_parameters(vhost)
    parameters.credentials = pika.PlainCredentials(name, password)
    return pika.BlockingConnection(parameters)


def make(name: str, **login: str) -> str:
    return user_acts.create(**GIVEN, name=name, login=NewLogin(**{"way": "generate", **login}))


def test_a_password_that_is_made_is_shown_once_and_kept_nowhere(
    admin: Client, management: Management, broker_config: BrokerConfig, vhost: str, user: str
) -> None:
    answer = admin.post(reverse("user_new"), {"name": user, "way": "generate", "known_tags": "management"})
    assert answer.status_code == 200, html(answer)
    assert "no-store" in answer["Cache-Control"]
    password = answer.content.decode().split('id="made-password">')[1].split("<")[0]
    assert len(password) == user_acts.GENERATED
    acts.put(**GIVEN, vhost=vhost, user=user, configure="", write="", read=".*")
    connection = connects(broker_config, vhost, user, password)
    connection.close()
    assert users.one(management, user).tags == ["management"]
    told = html(admin.get(at("user_detail", name=user))) + html(admin.get(reverse("user_list")))
    told += repr(list(AuditEntry.objects.values())) + repr([s.get_decoded() for s in Session.objects.all()])
    assert password not in told
    found = management.read("users", user)
    assert found["password_hash"] not in told
    assert all(found["password_hash"].encode() not in bytes(item.rows) for item in Packed.objects.all())


def test_what_is_typed_as_a_password_reaches_no_log(
    client: Client,
    token: dict[str, str],
    management: Management,
    user: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def call(method: str, path: str, body: dict[str, Any]) -> Any:
        return client.generic(method, f"/api/v1/{path}", json.dumps(body), "application/json", headers=token)

    caplog.set_level(logging.DEBUG)
    body = {"name": user, "way": "password", "password": SECRET, "tags": ["monitoring", "team a"]}
    made = call("POST", "users", body)
    assert (made.status_code, made.json()) == (201, {"password": ""})
    before = management.read("users", user)["password_hash"]
    assert call("PUT", "users/tags", {"name": user, "tags": ["management"]}).status_code == 204
    assert management.read("users", user)["password_hash"] == before
    assert users.one(management, user).tags == ["management"]
    assert call("POST", "users", body).json()["code"] == "exists"
    wrong = call("PUT", "users/login", {"name": user, "way": "hash", "password_hash": SECRET})
    assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["password_hash"])
    unread = call("PUT", "users/login", {"name": user, "way": "x", "password": {"is": SECRET}})
    assert unread.status_code == 422
    assert (
        call("PUT", "users/login", {"name": user, "way": "hash", "password_hash": before}).status_code == 200
    )
    assert call("PUT", "users/login", {"name": user, "way": "none"}).status_code == 200
    assert not users.one(management, user).has_password
    told = (
        caplog.text + repr(list(AuditEntry.objects.values())) + wrong.content.decode() + str(unread.content)
    )
    assert SECRET not in told
    assert before not in told
    assert AuditEntry.objects.filter(action="broker_user.login", outcome="done").count() == 2


def test_a_form_that_is_refused_does_not_write_a_password_back(admin: Client, user: str) -> None:
    form = {"name": user, "way": "password", "password": SECRET, "again": "another"}
    answer = admin.post(reverse("user_new"), form)
    assert "The two are not the same." in html(answer)
    assert SECRET not in answer.content.decode()
    empty = admin.post(reverse("user_new"), {"name": user, "way": "password"})
    assert (empty.status_code, "A password is needed." in html(empty)) == (422, True)


def test_who_is_deleted_loses_the_connections_as_the_dialog_says(
    admin: Client, broker_config: BrokerConfig, vhost: str, user: str
) -> None:
    make(user, way="password", password=SECRET)
    acts.put(**GIVEN, vhost=vhost, user=user, read=".*")
    connection = connects(broker_config, vhost, user, SECRET)
    address = at("user_delete", name=user)
    wait_until(lambda: "1 connection is closed." in html(admin.get(address)), timeout=20)
    assert f"“{vhost}” go." in html(admin.get(address))
    assert admin.post(address).status_code == 302

    def is_closed() -> bool:
        try:
            connection.process_data_events(0)
        except pika.exceptions.AMQPError:
            return True
        return False

    wait_until(is_closed, timeout=20)
    was = AuditEntry.objects.get(action="broker_user.delete").detail["was"]
    assert [item["vhost"] for item in was["permissions"]] == [vhost]
    assert admin.post(address).status_code == 404


def test_its_own_account_is_not_changed(admin: Client, management: Management, vhost: str) -> None:
    me = brokers.config("default").username
    before = management.read("users", me)
    changes = [
        lambda: user_acts.delete(**GIVEN, name=me),
        lambda: user_acts.set_tags(**GIVEN, name=me, tags=[]),
        lambda: user_acts.set_login(**GIVEN, name=me, login=NewLogin("none")),
        lambda: acts.put(**GIVEN, vhost=vhost, user=me),
        lambda: acts.clear(**GIVEN, vhost=vhost, user=me),
        lambda: acts.put_topic(**GIVEN, vhost=vhost, user=me, exchange="amq.topic"),
        lambda: acts.clear_topics(**GIVEN, vhost=vhost, user=me),
        lambda: limit_acts.put(**GIVEN, of="user", name=me, limit="max-channels", value=0),
    ]
    for change in changes:
        with pytest.raises(Refusal) as caught:
            change()
        assert caught.value.code == "own_account"
    assert management.read("users", me) == before
    assert management.permission(vhost, me) is not None
    for view in ("user_delete", "user_tags", "user_login"):
        assert "lock itself out" in html(admin.get(at(view, name=me)))
    assert "mqadmin itself" in html(admin.get(at("user_list", q=f'name:"{me}"')))


@pytest.mark.parametrize("sign", HARD)
def test_rights_of_users_of_any_name(sign: str, admin: Client, management: Management, vhost: str) -> None:
    name = f"{sign[:60]}-{uuid.uuid4().hex[:8]}"
    assert admin.post(reverse("user_new"), {"name": name, "way": "none"}).status_code == 302
    try:
        address = at("permission_set", vhost=vhost, user=name)
        form = {
            "read_how": "own",
            "read": r"^orders\.",
            "write_how": "nothing",
            "configure_how": "everything",
        }
        looked = html(admin.post(address, {**form, "try_name": "orders.new", "look": "1"}))
        assert "What this allows" in looked
        assert admin.post(address, form).status_code == 302
        found = [item for item in permissions.listed(management) if (item.vhost, item.user) == (vhost, name)]
        assert [(item.read, item.write, item.configure) for item in found] == [(r"^orders\.", "", ".*")]
        assert 'value="^orders\\."' in admin.get(address).content.decode()
        page = html(admin.get(at("user_detail", name=name)))
        assert "May read from what begins with “orders.”" in page
        assert "May write to nothing" in page
        assert "<script>alert" not in admin.get(at("user_detail", name=name)).content.decode()
        topic = at("topic_permission_set", vhost=vhost, user=name)
        keys = {"exchange": "amq.topic", "write_how": "own", "write": "^{username}", "read_how": "everything"}
        assert admin.post(topic, keys).status_code == 302
        assert "of no use" in html(admin.get(at("user_detail", name=name)))
        assert admin.post(at("topic_permission_clear", vhost=vhost, user=name)).status_code == 302
        assert admin.post(at("topic_permission_clear", vhost=vhost, user=name)).status_code == 404
        assert admin.post(at("permission_clear", vhost=vhost, user=name)).status_code == 302
        assert admin.post(at("permission_clear", vhost=vhost, user=name)).status_code == 404
        assert "May enter no virtual host" in html(admin.get(at("user_detail", name=name)))
        assert admin.post(at("user_delete", name=name)).status_code == 302
    finally:
        if any(item.name == name for item in users.listed(management)):
            management.delete_user(name)


def test_an_expression_that_is_none_is_refused_in_words(vhost: str, user: str) -> None:
    make(user, way="none")
    with pytest.raises(Refusal) as caught:
        acts.put(**GIVEN, vhost=vhost, user=user, write="(")
    assert (caught.value.code, caught.value.status) == ("invalid_regexp", 422)
    with pytest.raises(Refusal) as caught:
        acts.put(**GIVEN, vhost=vhost, user="", write="")
    assert list(caught.value.fields) == ["user"]


def test_rights_and_limits_through_the_api(
    client: Client, token: dict[str, str], management: Management, vhost: str, user: str
) -> None:
    def call(method: str, path: str, body: dict[str, Any] | None = None, **asked: str) -> Any:
        address = f"/api/v1/{path}?{urlencode(asked)}"
        return client.generic(method, address, json.dumps(body or {}), "application/json", headers=token)

    make(user, way="none")
    here = {"vhost": vhost, "user": user}
    assert call("PUT", "permissions", {**here, "read": ".*", "write": "^amq.default$"}).status_code == 204
    (right,) = call("GET", "permissions", q=f"vhost:{vhost} user:{user}").json()["items"]
    assert (right["configure"], right["write"], right["read"]) == ("", "^amq.default$", ".*")
    assert any("straight into every queue" in words for words in right["words"])
    topic = {**here, "exchange": "amq.topic", "write": "^a", "read": "^b"}
    assert call("PUT", "topic-permissions", topic).status_code == 204
    assert call("GET", "topic-permissions", q=f"vhost:{vhost}").json()["items"] == [topic]
    assert call("DELETE", "topic-permissions", **here).status_code == 204
    (one,) = call("GET", "users", q=f"name:{user}").json()["items"]
    assert (one["vhosts"], one["has_password"], one["is_own"]) == ([vhost], False, False)
    for of, name, limit in (("vhost", vhost, "max-queues"), ("user", user, "max-channels")):
        body = {"of": of, "name": name, "limit": limit}
        assert call("PUT", "limits", {**body, "value": 7}).status_code == 204
        assert call("PUT", "limits", {**body, "value": -1}).status_code == 422
        assert call("PUT", "limits", {**body, "limit": "max-foo", "value": 1}).status_code == 422
        assert call("PUT", "limits", {**body, "name": f"{name}-no", "value": 1}).status_code == 404
        assert call("GET", "limits", q=f"of:{of} name:{name}").json()["items"] == [{**body, "value": 7}]
        assert call("DELETE", "limits", **body).status_code == 204
        assert call("DELETE", "limits", **body).status_code == 404
    assert not limits.of_vhosts(management).get(vhost)
    was = [
        item.detail["was"]
        for item in AuditEntry.objects.filter(action__endswith="_limit.clear", outcome="done")
    ]
    assert was == [{"value": 7}, {"value": 7}]
    assert call("DELETE", "permissions", **here).status_code == 204
    assert call("DELETE", "users", name=user).status_code == 204
    assert call("DELETE", "users", name=user).status_code == 404
