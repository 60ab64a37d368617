"""The copies that replace an original, as far as they need no broker to be looked at."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.runtime.copies import copies
from mqadmin.rabbit.headers import ATTEMPT, IN_DOUBT, ORIGINAL_DEATHS, RETRY_ID
from tests.consumers.handlers.deliveries import delivery


def test_deaths_that_the_broker_forgets_are_kept_once_under_another_name() -> None:
    died, waited = (
        {"queue": "orders", "reason": "rejected"},
        {"queue": "mqadmin.delay.1000", "reason": "expired"},
    )
    before = {"queue": "older", "reason": "maxlen"}

    def kept(*deaths: object, earlier: object = None, deaths_last: bool = False) -> tuple[object, object]:
        headers = {"x-death": list(deaths), **({ORIGINAL_DEATHS: earlier} if earlier else {})}
        copy = copies.retry(delivery(b"{}", headers=headers), 1, attempt=2, deaths_last=deaths_last)
        assert copy is not None
        found = copy.properties.headers or {}
        return found.get("x-death"), found.get(ORIGINAL_DEATHS)

    assert kept(died) == (None, [died])
    assert kept(died, deaths_last=True) == ([died], None)
    assert kept(waited, earlier=[died]) == ([waited], [died])
    assert kept(died, earlier=[before]) == (None, [died, before])


def test_each_retry_has_an_id_of_its_own() -> None:
    """So that two of one copy, which RabbitMQ may bring, differ from two attempts."""
    first, second = (copies.retry(delivery(b"{}", headers={"mine": 1}), 1, attempt=2) for _ in range(2))
    assert first is not None
    assert second is not None
    ids = []
    for copy in (first, second):
        headers = dict(copy.properties.headers or {})
        ids.append(headers.pop(RETRY_ID))
        assert (headers["mine"], headers[ATTEMPT]) == (1, 2)
    assert ids[0] != ids[1]
    third = copies.retry(delivery(b"{}", headers={RETRY_ID: ids[0]}), 1, attempt=3)
    assert third is not None
    assert (third.properties.headers or {})[RETRY_ID] not in ids


def test_a_redelivered_message_that_only_waits_stays_known() -> None:
    """Else the deaths that it causes would not be told of one message."""
    first = delivery(b"{}", redelivered=True, headers={"mine": 1})
    copy = copies.retry(first, 1, attempt=1)
    assert copy is not None
    again = delivery(b"{}", headers=copy.properties.headers)
    assert again.redelivered
    assert again.key == first.key
    twice = copies.retry(again, 1, attempt=1)
    assert twice is not None
    assert delivery(b"{}", headers=twice.properties.headers).key == first.key


def test_one_that_was_handled_begins_anew() -> None:
    first = delivery(b"{}", redelivered=True)
    waited = copies.retry(first, 1, attempt=1)
    assert waited is not None
    again = delivery(b"{}", headers=waited.properties.headers)
    retried = copies.retry(again, 1, attempt=2)
    assert retried is not None
    assert IN_DOUBT not in (retried.properties.headers or {})
    assert not delivery(b"{}", headers=retried.properties.headers).redelivered


@pytest.mark.parametrize("value", [7, "", "short", {"a": 1}])
def test_what_a_publisher_writes_there_is_no_key(value: Any) -> None:
    assert not delivery(b"{}", headers={IN_DOUBT: value}).redelivered
