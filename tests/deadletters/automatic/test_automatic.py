"""The page and the calls that switch rules and breakers on and off."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.models import Breaker, RetryRule
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.api.conftest import Api
from tests.deadletters.factories import letter
from tests.support.consumers import make_consumer

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
PAGE = "/dead-letters/automatic/"


@pytest.fixture(autouse=True)
def _environment(broker_config: BrokerConfig) -> None:
    pass


def browser(role: str) -> Client:
    user = User.objects.create_user(role, password="x")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_a_rule_is_made_changed_and_deleted() -> None:
    admin = browser("admin")
    letter()
    fields = {
        "source": "orders",
        "vhost": "/",
        "at_most": "2",
        "first_delay": "60",
        "factor": "5",
        "max_delay": "600",
    }
    wrong = admin.post(f"{PAGE}rules/", {**fields, "at_most": "0"})
    assert wrong.status_code == 422
    assert "From 1 to 50." in wrong.content.decode()
    admin.post(f"{PAGE}rules/", fields)
    rule = RetryRule.objects.get()
    assert (rule.is_on, rule.at_most, rule.changed_by) == (False, 2, "admin")
    admin.post(f"{PAGE}rules/", {**fields, "is_on": "on"})
    rule.refresh_from_db()
    assert rule.is_on
    assert rule.seen > 0
    assert "after 1 min, 5 min, then left for a person" in admin.get(PAGE).content.decode()
    admin.post(f"{PAGE}rules/{rule.pk}/delete/")
    assert not RetryRule.objects.exists()
    assert AuditEntry.objects.filter(action="dead_letters.retry_rule", outcome="done").count() == 3


def test_a_breaker_is_off_until_it_is_switched_on() -> None:
    admin = browser("admin")
    make_consumer(name="work")
    assert "Switch on" in admin.get(PAGE).content.decode()
    path = f"{PAGE}breakers/work/"
    admin.post(path, {"number": "5", "seconds": "60", "rest": "30", "is_on": "1"})
    found = Breaker.objects.get()
    assert (found.is_on, found.letters, found.seconds, found.rest_seconds) == (True, 5, 60, 30)
    admin.post(path, {"number": "5", "seconds": "60", "rest": "30"})
    found.refresh_from_db()
    assert not found.is_on
    assert admin.post(path, {"number": "many"}).status_code == 422
    operator = browser("operator")
    assert operator.post(path, {"number": "5", "seconds": "1", "rest": "1", "is_on": "1"}).status_code == 403


def test_the_calls() -> None:
    api, viewer = Api("admin"), Api("viewer")
    make_consumer(name="work")
    rule: dict[str, Any] = api("POST", "/retry-rules", {"vhost": "/", "source": "orders", "is_on": True})
    assert (rule["broker"], rule["at_most"], rule["is_on"]) == ("default", 3, True)
    assert "left for a person" in rule["words"]
    assert viewer("GET", "/retry-rules")["total"] == 1
    viewer("POST", "/retry-rules", {}, expect=403)
    api("POST", "/retry-rules", {}, expect=422)
    api("POST", "/consumers/nobody/breaker", {}, expect=404)
    assert api("POST", "/consumers/work/breaker", {"is_on": True, "letters": 3})["state"] == "closed"
    assert viewer("GET", "/breakers")["items"][0]["consumer"] == "work"
    api("POST", "/consumers/work/breaker", {"letters": 0}, expect=422)
    answer = api.client.delete(
        f"/api/v1/retry-rules/{rule['id']}", headers={"Authorization": f"Bearer {api.token}"}
    )
    assert (answer.status_code, RetryRule.objects.count()) == (204, 0)
