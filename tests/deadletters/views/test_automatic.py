"""The page of what goes by itself: rules that retry."""

from __future__ import annotations

import pytest
from django.test import Client

from mqadmin.deadletters.models import RetryRule
from mqadmin.queues.models import Broker, Queue

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_a_rule_is_switched_without_being_typed_again(admin: Client) -> None:
    typed = {
        "source": "orders",
        "vhost": "/",
        "at_most": 2,
        "first_delay": 90,
        "factor": 1.5,
        "max_delay": 900,
    }
    Queue.objects.create(broker=Broker.objects.get_or_create(slug="default")[0], vhost="/", name="orders")
    assert admin.post("/dead-letters/automatic/rules/", typed).status_code == 302
    listed = admin.get("/dead-letters/automatic/")
    fields = dict(listed.context["rules"][0][2])
    assert all(f'name="{name}" value="{value}"' in listed.content.decode() for name, value in fields.items())
    assert admin.post("/dead-letters/automatic/rules/", {**fields, "is_on": "1"}).status_code == 302
    rule = RetryRule.objects.get()
    kept = (rule.is_on, rule.at_most, rule.first_delay, rule.factor, rule.max_delay)
    assert kept == (True, 2, 90.0, 1.5, 900.0)
