"""A queue's page tells of each reason what, since when, why, and what to do, with the acts that cure it."""

from __future__ import annotations

import pytest
from django.test import Client

from mqadmin.queues.models import Broker
from tests.queues.conftest import make_queue
from tests.support.management import Management
from tests.support.pages import html

pytestmark = pytest.mark.broker


def test_a_reason_has_its_evidence_its_advice_and_its_acts(
    viewer: Client, operator: Client, broker: Broker, management: Management, vhost: str
) -> None:
    management.declare_queue(vhost, "invoices")
    reasons = [
        {
            "code": "no_consumers",
            "level": "broken",
            "params": {"waiting": 9, "had": 2},
            "since": 1_800_000_000,
        },
        {
            "code": "losing",
            "level": "watch",
            "since": 1_800_000_000,
            "params": {"how": "expired", "rate": 3.0, "percent": 60, "at_least": False, "kept": False},
        },
    ]
    queue = make_queue(
        broker, "invoices", vhost, ready=9, consumers=0, health="broken", health_reasons=reasons
    )
    text = html(operator.get(f"/queues/{queue.pk}/"))
    assert "No consumers since" in text
    assert "9 ready" not in text  # the figures say it, as it is now
    assert f'href="/queues/{queue.pk}/move/"' in text
    assert "Start its consumers again, or move what waits." in text
    assert "3.0/s expire before anybody takes them: 60 % of what arrives. They are lost." in text
    assert "Map of dead letters" in text
    assert "No consumers since" in html(viewer.get(f"/queues/{queue.pk}/"))
