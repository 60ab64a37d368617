"""What a requeue publishes, beside what the replay of a record does."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.records import replaying
from mqadmin.deadletters.requeue import copies
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.rabbit.headers import ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY
from mqadmin.rabbit.message import Message, Properties, to_json
from tests.deadletters.factories import died, letter
from tests.support.consumers import make_consumer, make_record

pytestmark = pytest.mark.django_db

HEADERS: dict[str, Any] = {
    **died("orders", type="shop.Late", message="late"),
    "x-death": [{"queue": "orders", "reason": "rejected", "count": 1}],
    "MT-Fault-Message": "late",
    "NServiceBus.FailedQ": "orders",
    "retry-count": 2,
    "CC": ["copies"],
    "mqadmin-original-user-id": "forged",
    "mqadmin-requeue-id": "earlier",
    ORIGIN_EXCHANGE: "shop",
    ORIGIN_ROUTING_KEY: "order.created",
    "tenant": "acme",
}


@pytest.mark.parametrize("user", [None, "me", "somebody"])
def test_a_requeued_letter_and_a_replayed_record_become_the_same_copy(user: str | None) -> None:
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

    requeued = copies.copy(one, To(), username="me")
    replayed = replaying.copy_of(record, requeue_id="r", username="me")

    message = Message(replayed.body, replayed.properties, replayed.exchange, replayed.routing_key)
    assert Message(requeued.body, requeued.properties, requeued.exchange, requeued.routing_key) == message
    assert message.properties.user_id == (user if user == "me" else None)
    assert message.headers["mqadmin-original-user-id"] == ("somebody" if user == "somebody" else "forged")
