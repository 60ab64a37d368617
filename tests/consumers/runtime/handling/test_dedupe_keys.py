"""By what two messages are the same one: what each kind of key tells apart, and when there is none."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.runtime.handling.dedupe import key_of
from consumers.runtime.spec import Dedupe
from tests.consumers.handlers.deliveries import delivery

TENANT, ITEM, AT = Dedupe("header", "tenant"), Dedupe("json", "order.items.0"), Dedupe("json", "at")
TIME = "1764403200.12345678"


def key(how: Dedupe | None, body: bytes = b"ok", **properties: Any) -> str:
    return key_of(delivery(body, **properties), how)


@pytest.mark.parametrize(
    ("how", "first", "same", "other"),
    [
        (
            Dedupe("message_id"),
            {"message_id": "order-1"},
            {"message_id": "order-1", "body": b"fail"},
            {"message_id": "order-2"},
        ),
        (Dedupe("body"), {"body": b"ok:1"}, {"body": b"ok:1", "message_id": "m"}, {"body": b"ok:2"}),
        (
            TENANT,
            {"headers": {"tenant": 1}},
            {"headers": {"tenant": 1}, "body": b"ok:x"},
            {"headers": {"tenant": "1"}},
        ),
        (TENANT, {"headers": {"tenant": 1}}, {"headers": {"tenant": 1}}, {"headers": {"tenant": True}}),
        (
            ITEM,
            {"body": b'{"order": {"items": ["a"]}}'},
            {"body": b'{"order": {"items": ["a", "b"]}}'},
            {"body": b'{"order": {"items": ["b", "a"]}}'},
        ),
        (  # no float tells these two times apart
            AT,
            {"body": f'{{"at": {TIME}9}}'.encode()},
            {"body": f'{{"at": {TIME}9, "again": true}}'.encode()},
            {"body": f'{{"at": {TIME}8}}'.encode()},
        ),
    ],
)
def test_what_is_the_same_and_what_another(
    how: Dedupe, first: dict[str, Any], same: dict[str, Any], other: dict[str, Any]
) -> None:
    assert key(how, **first)
    assert key(how, **first) == key(how, **same)
    assert key(how, **first) != key(how, **other)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (None, {"message_id": "order-1"}),
        (Dedupe("message_id"), {}),
        (TENANT, {"headers": {"other": 1}}),
        (ITEM, {"body": b'{"order": {"items": []}}'}),
        (ITEM, {"body": b"no JSON"}),
        (ITEM, {"body": b'{"order": {"items": [""]}}'}),
    ],
)
def test_what_has_no_key(how: Dedupe | None, message: dict[str, Any]) -> None:
    assert key(how, **message) == ""


def test_a_requeue_is_known_by_its_id_alone() -> None:
    def requeued(requeue_id: str, message_id: str) -> str:
        headers = {"mqadmin-requeue-id": requeue_id}
        return key(Dedupe("message_id"), message_id=message_id, headers=headers)

    assert requeued("a", "order-1") == requeued("a", "order-2")
    assert (
        len({requeued("a", "order-1"), requeued("b", "order-1"), key(Dedupe("message_id"), message_id="a")})
        == 3
    )
