"""Which language a page is in: the one that was chosen, else the browser's; and the API's, and that of messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from deploy import messages
from mqadmin.alerts.telling import messages as telling
from mqadmin.core.api import tokens
from mqadmin.core.models import Operation
from tests.alerts.factories import make_channel
from tests.core.conftest import SignIn, make_user
from tests.support import pseudo

pytestmark = [pytest.mark.any_version]

SAID = {
    "Sign in": "登录",
    "Operations": "批量操作",
    "Purge %(queue)s": "清空 %(queue)s",
    "There is no operation %(id)s.": "没有批量操作 %(id)s。",
    "[test] mqadmin": "[测试] mqadmin",
}
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}


@pytest.fixture(autouse=True)
def spoken(tmp_path: Path) -> Iterator[None]:
    catalogue = Catalog(locale="zh_Hans", fuzzy=False)
    for message, said in SAID.items():
        catalogue.add(message, said)
    place = tmp_path / "zh_Hans" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "django.mo").write_bytes(messages.compiled(catalogue))
    with override_settings(LOCALE_PATHS=[tmp_path]):
        pseudo.forget()
        yield
    pseudo.forget()


def test_the_browser_says_which_where_nobody_chose(db: None) -> None:
    page = Client().get("/login/", headers=CHINESE).content.decode()
    assert '<html lang="zh-hans"' in page
    assert "<h1>登录</h1>" in page
    for other in ("de-DE,de;q=0.9", "en-GB", "*", ""):
        page = Client().get("/login/", headers={"Accept-Language": other}).content.decode()
        assert '<html lang="en"' in page
        assert 'value="zh-hans" lang="zh-hans"' in page


def test_what_was_chosen_wins_and_stays(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    answer = client.post("/language/", {"language": "zh-hans", "next": "/operations/?page=1"})
    assert (answer.status_code, answer["Location"]) == (302, "/operations/?page=1")
    cookie = answer.cookies[settings.LANGUAGE_COOKIE_NAME]
    assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == ("/", "Lax", 365 * 24 * 3600)
    page = client.get("/operations/", headers={"Accept-Language": "en"})
    assert page["Content-Language"] == "zh-hans"
    assert "批量操作" in page.content.decode()
    assert 'value="en" lang="en"' in page.content.decode()
    client.post("/language/", {"language": "tlh"})
    assert client.get("/operations/")["Content-Language"] == "en"


def test_a_list_is_read_in_each_language_whoever_began_it(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    Operation.objects.create(kind="queues.purge", summary="Purge orders", created_by="ann")
    assert "Purge orders" in client.get("/operations/").content.decode()
    assert "清空 orders" in client.get("/operations/", headers=CHINESE).content.decode()


def test_the_api_answers_in_english_unless_it_is_asked_otherwise(db: None) -> None:
    operation = Operation.objects.create(kind="queues.purge", summary="Purge orders", created_by="ann")
    headers = {"Authorization": f"Bearer {tokens.create(user=make_user('viewer'))}"}
    address = f"/api/v1/operations/{operation.pk}"
    assert Client().get(address, headers=headers).json()["summary"] == "Purge orders"
    assert Client().get(address, headers=headers | CHINESE).json()["summary"] == "清空 orders"
    wrong = Client().get("/api/v1/operations/0", headers=headers | CHINESE).json()
    assert wrong == {"detail": "没有批量操作 0。", "code": "not_found"}


def test_messages_are_in_the_language_of_the_installation(db: None) -> None:
    channel = make_channel()
    assert telling.test(channel, "ann", timezone.now()).title == "[test] mqadmin"
    with override_settings(MQADMIN_LANGUAGE="zh-hans"):
        assert telling.test(channel, "ann", timezone.now()).title == "[测试] mqadmin"
