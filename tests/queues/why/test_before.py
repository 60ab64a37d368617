"""What changed before it broke: the hour before, nearest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mqadmin.history.models import Mark
from mqadmin.queues.models import Broker
from tests.queues.conftest import Api, make_queue

BROKE = 1_800_000_000
AT = datetime.fromtimestamp(BROKE, UTC)


@pytest.mark.django_db
def test_what_changed_before(api: Api, broker: Broker) -> None:
    for minutes in (-90, -50, -2, 0.2, 10):
        Mark.objects.create(at=AT + timedelta(minutes=minutes), title=f"{minutes}", actor="ci")
    queue = make_queue(broker, "work")
    assert api.get(f"/queues/{queue.pk}/before").json() == {"since": None, "code": None, "found": []}
    queue.health_reasons = [
        {"code": "captured", "level": "ok", "params": {}, "since": BROKE - 9000},
        {"code": "down", "level": "broken", "params": {}},
        {"code": "stalled", "level": "broken", "params": {}, "since": BROKE},
    ]
    queue.save()
    found = api.get(f"/queues/{queue.pk}/before").json()
    assert (found["code"], datetime.fromisoformat(found["since"])) == ("stalled", AT)
    assert [item["what"] for item in found["found"]] == ["0.2", "-2", "-50"]
