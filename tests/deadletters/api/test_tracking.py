"""Tracking a dead-letter queue over HTTP."""

from __future__ import annotations

import pytest

from tests.deadletters.api.conftest import Api
from tests.deadletters.conftest import Place

pytestmark = [
    pytest.mark.broker,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_environment"),
]


def test_track_and_untrack(place: Place, api: Api) -> None:
    queue = place.row()
    tracked = api("POST", f"/queues/{queue.pk}/track")
    assert tracked == {"queue": queue.pk, "tracked": True, "consumer": "collect-dlx-orders"}
    assert api("POST", f"/queues/{queue.pk}/track", expect=409)["code"] == "already_tracked"
    assert api("POST", f"/queues/{queue.pk}/untrack")["tracked"] is False
    assert api("POST", f"/queues/{queue.pk}/untrack", expect=409)["code"] == "not_tracked"
    assert api("POST", "/queues/999999/track", expect=404)
