"""What a requeue publishes, beside what the replay of a record does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from consumers.records import replaying
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.acts import editing
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import copies
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.rabbit.headers import ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY, REQUEUE_ID
from mqadmin.rabbit.message import Message, Properties, to_json
from tests.deadletters.factories import died, letter
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db

HEADERS: dict[str, Any] = {
    **died("orders", type="shop.Late", message="late"),
    "x-death": [{"queue": "orders", "reason": "rejected", "count": 1}],
    "NServiceBus.FailedQ": "orders",
    "NServiceBus.ExceptionInfo.ExceptionType": "shop.Late",
    "NServiceBus.Retries": 1,
    "MT-Fault-Message": "late",
    "retry-count": 2,
    "CC": ["copies"],
    "mqadmin-original-user-id": "forged",
    "mqadmin-requeue-id": "earlier",
    ORIGIN_EXCHANGE: "shop",
    ORIGIN_ROUTING_KEY: "order.created",
    "tenant": "acme",
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("user", [None, "me", "somebody"])
def test_a_requeued_letter_and_a_replayed_record_become_the_same_copy(user: str | None, keep: bool) -> None:
    given: dict[str, Any] = {"message_id": "m", "expiration": "5", "delivery_mode": 1, "user_id": user}
    one = letter(b"x", headers=HEADERS, **given)
    one.requeue_id = "r"
    record = make_record(
        make_consumer(queue="orders"),
        body=b"x",
        headers=to_json(HEADERS),
        properties=Properties(**given).to_json(),
        exchange="shop",
        routing_key="order.created",
    )

    requeued = copies.copy(one, To(), username="me", keep_headers=keep)
    replayed = replaying.copy_of(record, requeue_id="r", username="me", keep_headers=keep)

    message = Message(replayed.body, replayed.properties, replayed.exchange, replayed.routing_key)
    assert Message(requeued.body, requeued.properties, requeued.exchange, requeued.routing_key) == message
    assert (message.headers["retry-count"], message.headers["MT-Fault-Message"]) == (2, "late")
    assert ("NServiceBus.Retries" in message.headers) is keep
    assert "mqadmin-error-type" not in message.headers
    assert message.properties.user_id == (user if user == "me" else None)
    assert message.headers["mqadmin-original-user-id"] == ("somebody" if user == "somebody" else "forged")


SPRING: dict[str, Any] = {
    "x-exception-message": "late",
    "x-exception-stacktrace": "at shop.Orders",
    "x-original-exchange": "shop",
    "x-original-routingKey": "order.created",
    "retry-count": 3,
}


def both(one: DeadLetter) -> dict[str, Any]:
    """Return the headers of the copy, made in both ways."""
    row = DeadLetter.objects.values_list(*(name for name in copies.COLUMNS)).get(pk=one.pk)
    texts = {"routing_keys", "properties", "headers", "original"}
    stored = [
        json.dumps(value) if name in texts and value is not None else value
        for name, value in zip(copies.COLUMNS, row, strict=True)
    ]
    fast = (
        copies.Copier(To(), broker="default", username="me")
        .copy(copies.Claimed(*stored, one.requeue_id))
        .properties.headers
    )
    assert copies.copy(one, To(), username="me").properties.headers == fast
    return {name: value for name, value in (fast or {}).items() if name != REQUEUE_ID}


def test_of_an_edited_letter_the_framework_is_recognised_as_it_was_captured(by: Actor) -> None:
    one = letter(headers={**died(), **SPRING, "tenant": "acme"})
    assert both(one) == {"tenant": "acme"}
    left = {"x-original-exchange": "shop", "retry-count": 3, "tenant": "acme"}
    one = editing.edit(letter=one, by=by, headers=left)
    assert both(one) == {"tenant": "acme"}, "Spring gave it up, whatever somebody took out of its headers"

    one = letter(headers={**died(), "retry-count": 3})
    one = editing.edit(letter=one, by=by, headers=SPRING)
    assert both(one) == SPRING, "what a person writes is no framework's"
