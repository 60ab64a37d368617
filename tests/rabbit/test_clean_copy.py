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
OTHERS = ALL  # and where it may be the application's own, with nothing beside it that proves the failure
# A header -> the purposes for which it goes with the copy, as it is.
KEPT = {
    "tenant": ALL,
    "x-match-me": ALL,
    "traceparent": ALL,
    "tracestate": ALL,
    b"\xff": ALL,
    "mqadmin-requeue-id": ALL,
    "mqadmin-original-expiration": ALL,
    "mqadmin-original-user-id": ALL,
    "mqadmin-origin-exchange": "requeue, retry, dead letter, move",
    "mqadmin-origin-routing-key": "requeue, retry, dead letter, move",
    "mqadmin-attempt": "retry, dead letter, move",
    "mqadmin-retry-id": "retry, dead letter, move",
    "mqadmin-traceparent": "retry, dead letter, move",
    "mqadmin-in-doubt": "move",
    "x-delivery-count": "retry, dead letter, move",
    "x-acquired-count": "retry, dead letter, move",
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
    "x-exception-message": OTHERS,
    "x-exception-stacktrace": OTHERS,
    "x-original-exchange": OTHERS,
    "x-original-routingKey": OTHERS,
    "retry-count": OTHERS,
    "NServiceBus.FailedQ": OTHERS,
    "NServiceBus.TimeOfFailure": OTHERS,
    "NServiceBus.Retries": OTHERS,
    "NServiceBus.FLRetries": OTHERS,
    "NServiceBus.ExceptionInfo.Message": OTHERS,
    "NServiceBus.EnclosedMessageTypes": ALL,
    "MT-Reason": OTHERS,
    "MT-Fault-ExceptionType": OTHERS,
    "MT-Activity-Id": ALL,
    "rbs2-error-details": OTHERS,
    "rbs2-source-queue": OTHERS,
    "rbs2-msg-id": ALL,
    "reason_poisoned": OTHERS,
    "topic_poisoned": OTHERS,
    "handler_poisoned": OTHERS,
    "subscriber_poisoned": OTHERS,
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
    whole = {*constants, *(name for names in groups for name in names.whole)} - prefixes
    assert {name for name in whole if not name.endswith("-")} <= set(KEPT)
    for prefix in prefixes:
        assert any(isinstance(name, str) and name.startswith(prefix) for name in KEPT)


# What each framework writes when it gives a message up, and beside it what goes with it.
WRITTEN = {
    "mqadmin": ["mqadmin-death-queue", "mqadmin-attempt"],
    "nservicebus": [
        "NServiceBus.FailedQ",
        "NServiceBus.ExceptionInfo.ExceptionType",
        "NServiceBus.ExceptionInfo.Data.Order",
        "NServiceBus.TimeOfFailure",
        "NServiceBus.Retries",
    ],
    "masstransit": ["MT-Reason", "MT-Fault-ExceptionType", "MT-Fault-Message"],
    "rebus": ["rbs2-error-details", "rbs2-source-queue"],
    "spring": [
        "x-exception-message",
        "x-exception-stacktrace",
        "x-original-exchange",
        "x-original-routingKey",
        "retry-count",
    ],
    "watermill": ["reason_poisoned", "topic_poisoned", "handler_poisoned", "subscriber_poisoned"],
}


@pytest.mark.parametrize("framework", WRITTEN)
def test_what_a_recognised_framework_wrote_stays_behind_and_no_other_header(framework: str) -> None:
    own = {
        name: "own"
        for other, names in WRITTEN.items()
        for name in names[-1:]
        if other not in (framework, "mqadmin")
    }
    given: dict[Any, Any] = {**dict.fromkeys(WRITTEN[framework], "x"), **own, "x-death": [], b"\xff": 1}
    purpose = clean_copy.requeue(given)
    assert purpose.headers(given) == {**own, b"\xff": 1}
    found = clean_copy.left_behind(given, purpose)
    assert found == {framework: WRITTEN[framework], "rabbitmq": ["x-death"]}
    kept = clean_copy.requeue(given, keep=True)
    assert set(given) - set(kept.headers(given)) == (
        {"x-death", *WRITTEN["mqadmin"]} if framework == "mqadmin" else {"x-death"}
    )
    assert clean_copy.requeue(dict.fromkeys(given)) is purpose, "worked out once"


def test_each_proof_is_made_of_names_that_go() -> None:
    assert set(headers.PROOFS_OF) == set(headers.FAILURES_OF) == set(WRITTEN)
    for framework, proofs in headers.PROOFS_OF.items():
        for proof in proofs:
            gone = {name for name in proof if headers.FAILURES_OF[framework].has(name)}
            assert proof - gone <= {"MT-Host-MachineName"}


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
