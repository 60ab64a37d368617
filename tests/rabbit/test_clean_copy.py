"""What a republished message must not carry, as a table of purposes and headers."""

from __future__ import annotations

from typing import Any

import pika
import pytest

from mqadmin.rabbit import clean_copy, headers
from mqadmin.rabbit.clean_copy import DEAD_LETTER, FORWARD, MOVE, REQUEUE, RETRY, Purpose
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.reading import frameworks

PURPOSES = {"requeue": REQUEUE, "retry": RETRY, "dead letter": DEAD_LETTER, "forward": FORWARD, "move": MOVE}
ALL = "requeue, retry, dead letter, forward, move"
HISTORY = "retry, dead letter, forward, move"  # where what tells of a failure goes on
# A header -> the purposes for which it goes with the copy, as it is.
KEPT = {
    "tenant": ALL,
    "x-match-me": ALL,
    "traceparent": ALL,
    b"\xff": ALL,
    "mqadmin-requeue-id": ALL,
    "mqadmin-original-expiration": ALL,
    "mqadmin-original-user-id": ALL,
    "mqadmin-origin-exchange": "requeue, retry, dead letter, move",
    "mqadmin-origin-routing-key": "requeue, retry, dead letter, move",
    "mqadmin-attempt": "retry, dead letter, move",
    "mqadmin-retry-id": "retry, dead letter, move",
    "mqadmin-in-doubt": "move",
    "x-delivery-count": "retry, dead letter, move",
    "x-death": HISTORY,
    "x-first-death-queue": HISTORY,
    "x-first-death-reason": HISTORY,
    "x-first-death-exchange": HISTORY,
    "x-last-death-queue": HISTORY,
    "x-last-death-reason": HISTORY,
    "x-last-death-exchange": HISTORY,
    "mqadmin-original-x-death": HISTORY,
    "mqadmin-death-queue": HISTORY,
    "mqadmin-death-reason": HISTORY,
    "mqadmin-death-time": HISTORY,
    "mqadmin-death-consumer": HISTORY,
    "mqadmin-death-host": HISTORY,
    "mqadmin-error-type": HISTORY,
    "mqadmin-error-message": HISTORY,
    "mqadmin-error-trace": HISTORY,
    "x-exception-message": HISTORY,
    "x-exception-stacktrace": HISTORY,
    "x-original-exchange": HISTORY,
    "x-original-routingKey": HISTORY,
    "retry-count": HISTORY,
    "NServiceBus.FailedQ": HISTORY,
    "NServiceBus.TimeOfFailure": HISTORY,
    "NServiceBus.Retries": HISTORY,
    "NServiceBus.FLRetries": HISTORY,
    "NServiceBus.ExceptionInfo.Message": HISTORY,
    "NServiceBus.EnclosedMessageTypes": ALL,
    "MT-Reason": HISTORY,
    "MT-Fault-ExceptionType": HISTORY,
    "MT-Activity-Id": ALL,
    "rbs2-error-details": HISTORY,
    "rbs2-source-queue": HISTORY,
    "rbs2-msg-id": ALL,
    "reason_poisoned": HISTORY,
    "topic_poisoned": HISTORY,
    "handler_poisoned": HISTORY,
    "subscriber_poisoned": HISTORY,
    "task": ALL,
    "CC": "",
    "BCC": "",
}


@pytest.mark.parametrize("name", KEPT, ids=str)
def test_each_header_goes_with_the_copies_it_belongs_to(name: Any) -> None:
    kept = [purpose for purpose, rules in PURPOSES.items() if name in rules.headers({name: 1, "a": 2})]
    assert kept == [purpose for purpose in PURPOSES if purpose in KEPT[name]]


def test_the_table_has_every_header_of_ours_and_every_failure_header() -> None:
    constants = [value for name, value in vars(headers).items() if name.isupper() and isinstance(value, str)]
    assert len(constants) > 15
    groups = (headers.FAILURES_OF_RABBITMQ, *headers.FAILURES_OF.values())
    prefixes = {prefix for names in groups for prefix in names.prefixes}
    assert {*constants, *(name for names in groups for name in names.whole)} - prefixes <= set(KEPT)
    for prefix in prefixes:
        assert any(isinstance(name, str) and name.startswith(prefix) for name in KEPT)


def test_the_frameworks_that_leave_headers_are_those_whose_headers_are_known() -> None:
    leaving = {item.name for item in frameworks.FRAMEWORKS if item.leaves_headers}
    assert leaving == set(headers.FAILURES_OF)


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=PURPOSES)
def test_what_would_route_a_copy_elsewhere_has_another_name(purpose: Purpose) -> None:
    given = {"a": 1, "CC": ["x"], "BCC": ["y"], "mqadmin-original-CC": ["stale"], b"\xff": 2}
    assert purpose.headers(given) == {
        "a": 1,
        "mqadmin-original-CC": ["x"],
        "mqadmin-original-BCC": ["y"],
        b"\xff": 2,
    }
    assert given["CC"] == ["x"], "the message itself stays as it is"
    assert purpose.headers(None) == purpose.headers({}) == {}


@pytest.mark.parametrize(
    ("purpose", "kept"),
    [
        (REQUEUE, {"delivery_mode": 1, "user_id": "me"}),
        (RETRY, {"delivery_mode": 2, "user_id": "me"}),
        (DEAD_LETTER, {"delivery_mode": 2, "user_id": "me"}),
        (FORWARD, {"delivery_mode": 1, "user_id": "me", "expiration": "5"}),
        (MOVE, {"delivery_mode": 1, "user_id": "me", "expiration": "5"}),
    ],
    ids=PURPOSES,
)
def test_properties_stay_or_become_headers(purpose: Purpose, kept: dict[str, Any]) -> None:
    given = Properties(delivery_mode=1, user_id="me", expiration="5", message_id="m", priority=3)
    aside = {} if "expiration" in kept else {"mqadmin-original-expiration": "5"}
    found = purpose.properties(given, {}, username="me")
    assert found == Properties(**kept, headers=aside or None, message_id="m", priority=3)

    stranger = {**aside, "mqadmin-original-user-id": "me"}
    for username in ("somebody", None):
        found = purpose.properties(given, {}, username=username)
        assert (found.user_id, found.headers) == (None, stranger)


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=PURPOSES)
def test_what_the_message_has_goes_before_what_an_earlier_copy_noted(purpose: Purpose) -> None:
    noted = {"mqadmin-original-user-id": "forged", "mqadmin-original-expiration": "9"}
    given = Properties(user_id="eve", expiration="5")
    found = purpose.properties(given, dict(noted), username="me").headers or {}
    assert found["mqadmin-original-user-id"] == "eve"
    assert found["mqadmin-original-expiration"] == ("9" if purpose.keeps_ttl else "5")
    assert purpose.properties(Properties(), dict(noted), username="me").headers == noted


@pytest.mark.parametrize("purpose", PURPOSES.values(), ids=PURPOSES)
def test_no_headers_and_empty_ones_stay_what_they_are(purpose: Purpose) -> None:
    assert purpose.properties(Properties(), {}).headers is None
    assert purpose.properties(Properties(headers={}), {}).headers == {}


@pytest.mark.parametrize(
    ("given", "may", "does"),
    [
        ({"CC": []}, True, True),
        ({"BCC": []}, True, True),
        ({"a": "\x02CC"}, True, False),
        ({"ACC": [], "CCC": 1, "CCx": 2, "cc": 3}, False, False),
        ({}, False, False),
    ],
)
def test_what_routes_is_seen_in_encoded_properties(given: dict[str, Any], may: bool, does: bool) -> None:
    encoded = b"".join(pika.BasicProperties(headers=given).encode())
    assert (clean_copy.may_route(encoded), clean_copy.routes(given)) == (may, does)
