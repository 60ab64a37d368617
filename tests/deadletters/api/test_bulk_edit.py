"""Changing many letters alike over HTTP."""

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


def test_many_are_edited_after_a_preview(place: Place, api: Api) -> None:
    ids = [letter(b'{"n":%d}' % number, vhost=place.vhost).pk for number in range(3)]
    step = {"op": "replace", "path": "/body/n", "value": 7}
    shown = api("POST", "/dead-letters/edit", {"ids": ids, "patch": [step], "preview": True})
    assert (shown["total"], shown["items"][1]) == (
        3,
        {"id": ids[1], "before": '{"n":1}', "after": '{"n":7}', "error": ""},
    )
    told = api("POST", "/dead-letters/edit", {"ids": ids, "patch": [step], "expect": 3}, expect=202)
    operations.execute(told["id"])
    assert api("GET", f"/dead-letters/{ids[2]}")["body"] == '{"n":7}'
    assert api("GET", f"/dead-letters/{ids[2]}")["edited"] is True
    api("POST", "/dead-letters/edit", {"ids": ids}, expect=422)
    api(
        "POST",
        "/dead-letters/edit",
        {"filter": {"broker": "default"}, "find": "7", "replace": "8"},
        expect=202,
    )
