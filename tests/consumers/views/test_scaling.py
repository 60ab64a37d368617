"""One process more or less, and a stop, from the page: as it was seen, or not at all."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from consumers.models import Consumer, ConsumerProcess
from consumers.status import summary
from consumers.views import buttons
from tests.support.consumers import make_consumer, make_process

pytestmark = pytest.mark.django_db

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}


def offered(consumer: Consumer) -> list[tuple[str, str]]:
    """Return (label, why not) of the buttons that scale."""
    return [(found.label, found.disabled) for found in buttons.scaling(summary.summary(consumer))]


def press(client: Client, label: str) -> Any:
    """Press the button with this label as the page shows it."""
    page = html.unescape(client.get("/consumers/orders/").content.decode())
    tag = next(tag for tag in re.findall(r"<button.*?</button>", page, re.DOTALL) if label in tag)
    found = re.search(r'hx-post="([^"]+)"', tag)
    assert found is not None, tag
    return lambda: client.post(found[1], headers=HX)


def test_each_says_what_it_will_do() -> None:
    assert [label for label, _why in offered(make_consumer(replicas=3))] == [
        "2 processes once it is started",
        "4 processes once it is started",
    ]
    assert offered(make_consumer(replicas=3, desired="running")) == [
        ("Run 2 processes: one finishes what it has in hand and ends", ""),
        ("Run 4 processes", ""),
    ]
    assert offered(make_consumer(replicas=1))[0][1] == "One is the least: stop it instead."
    assert offered(make_consumer(replicas=50))[1][1] == "50 is the most."


@pytest.mark.parametrize("fields", [{"single": True}, {"exclusive": True}, {"autoscale_max": 4}])
def test_none_where_there_is_nothing_to_decide(fields: dict[str, Any]) -> None:
    assert offered(make_consumer(**fields)) == []


def test_an_operator_scales_and_of_two_one_wins(operator: Client) -> None:
    make_consumer(name="orders", replicas=3, desired="running")
    more, less = press(operator, "Run 4 processes"), press(operator, "Run 2 processes")
    assert more().status_code == 204
    assert Consumer.objects.get().replicas == 4
    assert less().status_code == 409
    assert Consumer.objects.get().replicas == 4


def test_a_viewer_is_told_why_not(viewer: Client) -> None:
    make_consumer(name="orders", replicas=3, desired="running")
    page = viewer.get("/consumers/orders/").content.decode()
    assert "Run 4 processes" in page
    assert "/scale/" not in page


def test_a_stop_from_a_page_that_is_late_does_not_kill(operator: Client) -> None:
    make_process(make_consumer(name="orders", desired="running"))
    first, second = press(operator, "Stop"), press(operator, "Stop")
    assert first().status_code == 204
    assert second().status_code == 409
    assert ConsumerProcess.objects.get().kill_requested_at is None
    # What asks for no more than that kills at the second time, as the API says.
    assert operator.post("/consumers/orders/stop/", headers=HX).status_code == 204
    assert ConsumerProcess.objects.get().kill_requested_at is not None


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("replicas=0", 422),
        ("replicas=-1", 422),
        ("replicas=51", 422),
        (f"replicas={10**30}", 422),
        ("", 422),
        ("replicas=2&from=few", 422),
        (f"replicas=2&from={10**30}", 409),
        ("replicas=2&from=2", 409),
        ("replicas=2&from=3", 204),
    ],
)
def test_what_is_no_number_of_processes_is_refused(operator: Client, query: str, status: int) -> None:
    make_consumer(name="orders", replicas=3, desired="running")
    assert operator.post(f"/consumers/orders/scale/?{query}", headers=HX).status_code == status
    assert Consumer.objects.get().replicas == (2 if status == 204 else 3)
