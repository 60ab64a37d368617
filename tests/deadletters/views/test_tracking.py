"""Tracking a queue from its page and from the inbox."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from consumers.models import Consumer
from mqadmin.core.api import tokens
from mqadmin.deadletters.capture import tracking
from tests.deadletters.conftest import Place
from tests.deadletters.factories import letter
from tests.deadletters.listeners import holding
from tests.deadletters.views.conftest import LIST, text
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_track_from_the_inbox_and_the_queue_page(admin: Client, place: Place) -> None:
    queue = place.row(total=12)
    page = text(admin, LIST)
    assert "dlx.orders holds 12 letters nobody captures" in page
    track = reverse("queue_track", args=[queue.pk])
    assert track in text(admin, reverse("queue_detail", args=[queue.pk]))
    assert admin.post(track).status_code == 302
    letter(vhost=place.vhost)
    panel = text(admin, reverse("queue_detail", args=[queue.pk]))
    assert "collect-dlx-orders" in panel
    assert "1 letter in the inbox" in panel
    assert "nobody captures" not in text(admin, LIST)
    assert admin.post(reverse("queue_untrack", args=[queue.pk])).status_code == 302


def test_a_queue_that_is_consumed_from_is_not_offered_and_refused_in_words(
    admin: Client, place: Place
) -> None:
    queue = place.row(total=12, consumers=1)
    track = reverse("queue_track", args=[queue.pk])
    page = text(admin, LIST)
    assert "nobody captures" not in page
    assert track not in page
    panel = text(admin, reverse("queue_detail", args=[queue.pk]))
    assert "1 consumer works on this queue" in panel
    assert "Track it all the same" in panel
    with holding(place, "dlx.orders"):
        counted = lambda: tracking._consumers(tracking._detail(queue)) == 1  # noqa: E731
        wait_until(counted, 20, what="a consumer that is counted")
        answer = admin.post(track)
        assert answer.status_code == 409
        assert "1 consumer works on this queue" in html(answer)
        token = {"Authorization": f"Bearer {tokens.create(user=User.objects.get(username='admin'))}"}
        call = f"/api/v1/queues/{queue.pk}/track"
        answer = Client().post(call, headers=token)
        assert (answer.status_code, answer.json()["code"]) == (409, "consumed")
        assert not Consumer.objects.exists()
        assert Client().post(f"{call}?force=true", headers=token).status_code == 200
        assert admin.post(reverse("queue_untrack", args=[queue.pk])).status_code == 302
        assert admin.post(track, {"force": "yes"}).status_code == 302
    assert Consumer.objects.get().desired == "running"
