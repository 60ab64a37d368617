"""The columns of the broker's lists: chosen, kept in a cookie, and each of them drawn."""

from __future__ import annotations

import re
from typing import Any

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.listed import past
from mqadmin.administration.listed.choices import CHOICES
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.management_api.client import ManagementClient
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
LISTS = {
    "exchanges": "exchange_list",
    "connections": "connection_list",
    "channels": "open_channel_list",
    "vhosts": "vhost_list",
}


def heads(page: str) -> list[str]:
    found = re.search(r"<thead>(.*?)</thead>", page, re.DOTALL)
    return re.findall(r"<th\b", found[1]) if found else []


@pytest.mark.parametrize("kind", CHOICES)
def test_the_columns_that_somebody_chose_are_there_and_no_others(
    kind: str, admin: Client, broker_config: BrokerConfig, vhost: str
) -> None:
    choice, page = CHOICES[kind], reverse(LISTS[kind])
    connection = pika.BlockingConnection(broker_config.connection_parameters(vhost))
    connection.channel()
    wait_until(lambda: bool(heads(html(admin.get(page)))), 30)
    assert len(heads(html(admin.get(page)))) == 1 + len(choice.usual)
    for names in ([*choice.labels()], [next(iter(choice.labels()))], []):
        answer = admin.post(reverse("list_columns", args=[kind]), {"column": [*names, "none"], "next": page})
        assert answer.headers["Location"] == page
        shown = html(admin.get(page))
        assert len(heads(shown)) == 1 + len(names)
        body = shown.partition("<tbody>")[2].partition("</tbody>")[0]
        assert body.count("<td") == body.count("<tr") * (1 + len(names))
        assert shown.count(" checked") == len(names)
    admin.post(reverse("list_columns", args=[kind]), {"usual": "1"})
    assert len(heads(html(admin.get(page)))) == 1 + len(choice.usual)
    assert admin.post(reverse("list_columns", args=["none"])).status_code == 404
    connection.close()


def test_the_last_hour_is_a_chart_and_a_broker_that_does_not_know_the_thing_says_so(
    admin: Client, vhost: str
) -> None:
    def asked(kind: str, **names: str) -> int:
        return admin.get(reverse("noun_past", args=[kind]), names).status_code

    assert admin.get(reverse("noun_past", args=["vhosts"]), {"name": vhost}).json().keys() == {"x", "series"}
    assert asked("exchanges", vhost=vhost, name="amq.topic") == 200
    assert asked("exchanges", vhost=vhost, name="") == 200
    assert asked("exchanges", vhost=vhost, name="not there") == 404
    assert asked("exchanges", name="amq.topic") == 404  # an address that names no virtual host
    assert asked("weather", name="x") == 404


def test_the_broker_is_asked_once_for_all_who_look_at_charts_of_one_thing(
    admin: Client, vhost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    read = ManagementClient.read

    def counted(self: ManagementClient, *segments: str, **more: Any) -> Any:
        calls.append(segments[0])
        return read(self, *segments, **more)

    monkeypatch.setattr(ManagementClient, "read", counted)
    monkeypatch.setattr(past, "FRESH_S", 1e9)
    for kind in ("vhosts", "vhost-lengths", "vhosts"):
        assert admin.get(reverse("noun_past", args=[kind]), {"name": vhost}).status_code == 200
    assert calls == ["vhosts"] * 2  # the hour, and the ten minutes of which it knows more
