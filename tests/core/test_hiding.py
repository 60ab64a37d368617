"""What may be a secret in options is hidden; references to variables, and plain words, are not."""

from __future__ import annotations

import pytest

from mqadmin.core import hiding
from tests.support import growth

TOKEN = "Xk29fjQ8aLmZ0pW7rT4y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"https://hooks.example.org/services/T01/B02/{TOKEN}", "https://hooks.example.org/services/T01/B02/•••"),
        ("https://ann:pw@example.org/in", "https://•••@example.org/in"),
        ("https://example.org/in?key=hunter2&flag#frag", "https://example.org/in?key=•••&•••#•••"),
        ("https://example.org/in?key=$WEBHOOK_KEY", "https://example.org/in?key=$WEBHOOK_KEY"),
        ("https://example.org/in?key=a${WEBHOOK_KEY}b", "https://example.org/in?key=•••${WEBHOOK_KEY}•••"),
        ("https://example.org/in?key=$$WEBHOOK_KEY", "https://example.org/in?key=•••"),
        ("https://example.org/in?key=$ecret", "https://example.org/in?key=•••"),
        ("${WEBHOOK_BASE}/$WEBHOOK_LONG_SECRET_NAME?a=b", "${WEBHOOK_BASE}/$WEBHOOK_LONG_SECRET_NAME?a=•••"),
        ("https://example.org/customer-notifications/v2/in", "https://example.org/customer-notifications/v2/in"),
        ("postgres://ann:pw@db/shop", "postgres://•••@db/shop"),
        ("host=db password=hunter2 user=ann", "host=db password=••• user=ann"),
        ("Bearer hunter2", "Bearer •••"),
        (f"the token is {TOKEN}", "the token is •••"),
        ("orders.created.v2.europe", "orders.created.v2.europe"),
        ("408, 425, 500-599", "408, 425, 500-599"),
        ("/var/lib/mqadmin/orders-2026.sqlite3", "/var/lib/mqadmin/orders-2026.sqlite3"),
        (
            '{"Authorization": "Bearer $WEBHOOK_T", "X-Auth": "hunter2", "X-Shop": "blue", "n": [1]}',
            '{"Authorization": "Bearer $WEBHOOK_T", "X-Auth": "•••", "X-Shop": "blue", "n": [1]}',
        ),
    ],
)  # fmt: skip
def test_what_is_hidden(text: str, shown: str) -> None:
    assert hiding.hidden_text(text) == shown


@pytest.mark.parametrize(
    ("text", "seems"),
    [
        ("https://example.org/in?page=1", False),
        ("https://example.org/in?key=$WEBHOOK_KEY", False),
        ("https://example.org/in?key=abc", True),
        (f"https://example.org/in?q={TOKEN}", True),
        (f"https://example.org/{TOKEN}", True),
        ('{"X-Shop": "blue"}', False),
        (f'{{"X-Tenant": "{TOKEN}"}}', True),
    ],
)
def test_what_is_warned_about(text: str, seems: bool) -> None:
    assert hiding.seems_secret(text) is seems


def test_an_option_may_be_secret_altogether() -> None:
    given = {"phrase": "open sesame", "password": "pw", "n": 3, "on": True, "note": "blue"}
    wanted = {"phrase": "•••", "password": "•••", "n": 3, "on": True, "note": "blue"}
    assert hiding.hidden(given, frozenset({"phrase"})) == wanted


@pytest.mark.any_database
@pytest.mark.parametrize("shape", ["x", "a.", "x-", "a://", "bearer "])
def test_a_text_of_any_length_is_gone_through_once(shape: str) -> None:
    """One request with a long word held a web process until it was ended."""
    small, large = (
        growth.processor_seconds(lambda count=count: hiding.hidden_text(shape * (count // len(shape))), 3)  # type: ignore[misc]
        for count in (4_000, 32_000)
    )
    assert large < 24 * small
