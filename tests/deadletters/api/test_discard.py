"""Discarding and restoring letters over HTTP."""

from __future__ import annotations

import pytest

from mqadmin.core.acts import operations
from tests.deadletters.api.conftest import Api
from tests.deadletters.conftest import Place
from tests.deadletters.factories import letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_environment"),
]


def test_discard_and_restore(place: Place, api: Api) -> None:
    ids = [letter().pk for _ in range(2)]
    operations.execute(api("POST", "/dead-letters/discard", {"ids": ids}, expect=202)["id"])
    assert api("GET", "/dead-letters?status=discarded")["total"] == 2
    operations.execute(
        api(
            "POST",
            "/dead-letters/restore",
            {"filter": {"broker": "default", "status": "discarded"}},
            expect=202,
        )["id"]
    )
    assert api("GET", "/dead-letters?status=parked")["total"] == 2
