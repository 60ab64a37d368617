"""A form that somebody may not send: what is missing is said, and nothing is lost of what was filled in."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from mqadmin.core.models import AuditEntry, Grant
from mqadmin.deadletters.models import RetryRule
from mqadmin.queues.models import Broker, Queue, Standing
from tests.core.conftest import HX, SignIn, make_user
from tests.support.teams import browser, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker"), pytest.mark.any_version]
RULE = {
    "name": "ours <b>",
    "query": "name:orders*",
    "owner": "team-a",
    "note": "two\nlines",
    "broker": "default",
}


def sent_again(page: str) -> list[tuple[str, str]]:
    """Return what the button "Send it again" sends."""
    form = re.search(r'<form method="post" action="([^"]+)">(.*?)</form>', page, re.DOTALL)
    assert form
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form[2])
    return [(unescape(name), unescape(value)) for name, value in fields]


def test_who_lost_the_role_meanwhile_sends_it_again_once_it_is_back(sign_in: SignIn) -> None:
    make_user("admin")  # whom one can ask
    sign_in("operator")
    user = make_user("operator")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    form = client.get("/queues/rules/new/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
    assert token
    user.groups.set(Group.objects.filter(name="viewer"))
    refused = client.post("/queues/rules/new/", {**RULE, "csrfmiddlewaretoken": token[1]})
    assert refused.status_code == 403
    assert "This needs the role operator or admin. Ask admin." in refused.text
    assert "ours &lt;b&gt;" in refused.text
    assert "ours <b>" not in refused.text
    again = sent_again(refused.text)
    assert {name: value for name, value in again if name in RULE} == RULE
    assert not Standing.objects.exists()
    user.groups.set(Group.objects.filter(name="operator"))
    assert client.post("/queues/rules/new/", dict(again)).status_code == 302
    assert Standing.objects.get().name == "ours <b>"


def test_over_htmx_it_is_a_message_beside_the_form(sign_in: SignIn) -> None:
    refused = sign_in("viewer").post("/queues/rules/new/", RULE, headers=HX)
    assert (refused.status_code, refused.content, refused["HX-Reswap"]) == (403, b"", "none")
    (item,) = json.loads(refused["HX-Trigger"])["mqadmin:toast"]["items"]
    assert "This needs the role operator or admin." in item["text"]


def test_a_button_alone_keeps_nothing_and_a_secret_is_not_shown(sign_in: SignIn) -> None:
    client = sign_in("viewer")
    button = client.post("/consumers/stop-all/", {"next": "/", "broker": "default", "expect": "3"})
    assert "What you filled in" not in button.text
    secret = client.post("/accounts/new/", {"name": "eve", "password": "opensesame"})
    assert secret.status_code == 403
    assert re.search(r"<dd>(<bdi>)?eve<", secret.text)
    assert "opensesame" not in secret.text
    assert "Send it again" not in secret.text
    address = {"vhost": "/", "name": "s", "src_uri": "amqp://eve:opensesame@far.example/"}
    shovel = client.post("/shovels/new/", address)
    assert shovel.status_code == 403
    assert re.search(r"<dd>(<bdi>)?s<", shovel.text)
    assert "opensesame" not in shovel.text
    assert "Send it again" not in shovel.text
    long = client.post("/queues/rules/new/", {**RULE, "note": "x" * 300_000})
    assert "What you filled in" not in long.text


def test_what_went_while_it_was_filled_in_leaves_the_text(sign_in: SignIn) -> None:
    gone = sign_in("operator").post("/queues/77/publish/", {"body": "the whole order"})
    assert gone.status_code == 404
    assert "the whole order" in gone.text
    assert "Send it again" not in gone.text
    assert "the whole order" not in Client().post("/nowhere/", {"body": "the whole order"}).text


def test_a_name_that_is_not_theirs_is_told_beside_its_field() -> None:
    broker = Broker.objects.create(slug="default")
    for name in ("shop.orders", "bank.payments"):
        Queue.objects.create(broker=broker, vhost="/", name=name)
    make_user("admin")
    client = browser(member("ann", {"vhost": "/", "queue": "shop.*"}))
    typed = {"vhost": "/", "at_most": "7", "first_delay": "60", "factor": "5", "max_delay": "600"}
    for source in ("bank.payments", "bank.nothing"):  # whether there is one, it does not tell
        page = client.post("/dead-letters/automatic/rules/", {**typed, "source": source})
        assert page.status_code == 422
        assert "Your roles let you configure nothing of this name. Ask admin." in page.text
        assert f'value="{source}"' in page.text
        assert 'value="7"' in page.text
    assert (
        client.post("/dead-letters/automatic/rules/", {**typed, "source": "shop.orders"}).status_code == 302
    )
    assert RetryRule.objects.get().source == "shop.orders"
    assert AuditEntry.objects.filter(outcome="refused").count() == 2
    assert Grant.objects.count() == 1
