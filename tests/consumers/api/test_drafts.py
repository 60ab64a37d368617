"""Before a consumer is defined: presets, and what a definition would do."""

from __future__ import annotations

import pytest

from consumers.models import Consumer
from tests.consumers.api.conftest import Api
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db

DRAFT = {"broker": "default", "vhost": "shop", "queue": "orders", "handler": "record"}


def test_a_preset_is_sent_as_it_is_listed(api_of: Api) -> None:
    _status, found = api_of("viewer").call("GET", "/consumer-presets")
    listed = {item["name"]: item for item in found}
    sent = {**DRAFT, "name": "slow", **listed["once"]["fields"]}
    status, made = api_of("admin").call("POST", "/consumers", sent)
    assert status == 201, made
    assert "1 process of 1 thread, never two at once" in made["summary"]


def test_the_summary_of_a_draft_is_that_of_the_consumer(api_of: Api) -> None:
    admin = api_of("admin")
    _status, said = admin.call("POST", "/consumer-summary", DRAFT)
    assert said["problems"] == {}
    assert said["summary"] == admin.call("POST", "/consumers", {**DRAFT, "name": "own"})[1]["summary"]

    _status, said = admin.call("POST", "/consumer-summary", {"name": "own", "prefetch": 7})
    assert "up to 7 messages in hand" in said["summary"]
    assert Consumer.objects.get().prefetch == 10


def test_what_is_wrong_with_a_draft_is_told_by_field(api_of: Api) -> None:
    make_consumer(name="hook", handler="webhook")
    sent = {"name": "hook", "prefetch": 0, "options": {"url": 5}}
    admin = api_of("admin")
    _status, said = admin.call("POST", "/consumer-summary", sent)
    assert said["summary"] == ""
    assert said["problems"]["prefetch"] == "From 1 to 65,535."
    assert said["problems"]["options.url"] == "Enter text."
    assert admin.call("POST", "/consumer-summary", {"name": "none"})[0] == 404


def test_a_copy_through_the_api(api_of: Api) -> None:
    make_consumer(name="orders", desired="running", prefetch=7)
    admin = api_of("admin")
    status, made = admin.call("POST", "/consumers/orders/duplicate")
    assert (status, made["name"], made["desired"], made["prefetch"]) == (201, "orders-2", "stopped", 7)
    status, made = admin.call("POST", "/consumers/orders/duplicate", {"name": "other"})
    assert (status, made["name"]) == (201, "other")
    status, told = admin.call("POST", "/consumers/orders/duplicate", {"name": "other"})
    assert (status, "exists" in told["detail"]) == (422, True)
