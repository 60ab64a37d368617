"""The copies that replace an original, as far as they need no broker to be looked at."""

from __future__ import annotations

from consumers.runtime import copies
from consumers.runtime.api import ATTEMPT, RETRY_ID
from tests.consumers.handlers.deliveries import delivery


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
