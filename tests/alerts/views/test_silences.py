"""The silences' pages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from mqadmin.alerts.models import Silence
from tests.alerts.factories import make_rule, make_silence
from tests.core.conftest import HX, SignIn

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]

NEW = "/alerts/silences/new/"


def written(hours: float) -> str:
    return (timezone.localtime() + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M")


def test_one_begins_now_one_later_and_each_ends_by_hand(sign_in: SignIn) -> None:
    client, rule = sign_in("operator"), make_rule()
    shown = client.get(f"{NEW}?rule={rule.pk}&queues=orders")
    assert f'<option value="{rule.pk}" selected>' in shown.text
    sent = {"reason": "deployment", "begins_at": written(0), "ends_at": written(2), "queues": "orders"}
    assert client.post(NEW, sent | {"rule": rule.pk}).status_code == 302
    assert client.post(NEW, sent | {"begins_at": written(24), "ends_at": written(26)}).status_code == 302
    later, now = Silence.objects.order_by("-begins_at")
    assert (now.by, now.rule, now.queues) == ("operator", rule, "orders")
    response = client.get("/alerts/silences/")
    assert [(tone, item.pk) for tone, item in response.context["rows"]] == [
        ("green", now.pk),
        ("blue", later.pk),
    ]
    for silence in (now, later):
        assert client.post(f"/alerts/silences/{silence.pk}/end/", headers=HX).status_code == 204
    assert [item.pk for _tone, item in client.get("/alerts/silences/").context["over"]] == [now.pk]
    assert client.post(f"/alerts/silences/{now.pk}/end/", headers=HX).status_code == 409


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"ends_at": written(-3)}, "ends_at"),
        ({"begins_at": written(3)}, "ends_at"),
        ({"ends_at": written(24 * 200)}, "ends_at"),
        ({"ends_at": "when it is done"}, "ends_at"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(sign_in: SignIn, changed: dict[str, str], field: str) -> None:
    sent = {"reason": "deployment", "begins_at": written(-1), "ends_at": written(2)}
    response = sign_in("operator").post(NEW, sent | changed)
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert not Silence.objects.exists()
    assert make_silence().pk
