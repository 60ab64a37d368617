"""What the dry run says of an exchange that reads the letter before it routes it."""

from __future__ import annotations

import pytest

from mqadmin.deadletters.requeue import destinations
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter


@pytest.mark.broker
@pytest.mark.django_db(transaction=True)
def test_a_headers_exchange_gives_to_each_that_matches_not_to_every_one(place: Place) -> None:
    place.channel.exchange_declare("picky", "headers", durable=True)
    place.channel.queue_bind("orders", "picky", "", {"x-match": "all", "a": 1})
    place.channel.queue_bind("dlx.orders", "picky", "", {"x-match": "all", "b": 2})
    letter(b"x", vhost=place.vhost, headers={**died(), "a": 1})
    rows = selection.all_that_match(selection.Filter("default", vhost=place.vhost, status="parked")).rows()
    to = To("given", "picky", "")
    (place_found,) = destinations.check_destination(broker="default", rows=rows, to=to)
    assert place_found.queues == ("dlx.orders", "orders")
    assert place_found.problem == "", "it would come back only if it had another header"
    assert (
        "Each queue whose binding matches the letter gets a copy, of: dlx.orders, orders."
        in place_found.warning
    )
    assert "What matches none stays in the inbox." in place_found.warning
    assert "Some may go straight back to the dead-letter queue “dlx.orders”." in place_found.warning
    place.channel.queue_bind("dlx.orders", "picky", "", {"x-match": "all"})  # takes every message
    (place_found,) = destinations.check_destination(broker="default", rows=rows, to=to)
    assert "straight back" in place_found.problem
