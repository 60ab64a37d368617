"""The search of the queues on its page: errors beside the field, completion, saved views."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from mqadmin.queues.models import Broker, SavedQueueView
from tests.queues.conftest import make_queue
from tests.queues.views.conftest import HTMX
from tests.support.pages import html


def test_what_is_wrong_stands_beside_the_field_with_what_would_do(viewer: Client, broker: Broker) -> None:
    make_queue(broker, "orders")
    response = viewer.get(reverse("queue_list"), {"q": "helth:broken"}, headers=HTMX)
    shown = html(response)
    assert 'id="queue-query"' in shown
    assert "There is no field “helth”" in shown
    assert "<mark>helth:broken</mark>" in shown
    assert "q=health%3Abroken" in shown
    assert "Nothing is searched yet" in shown
    # A refresh of the table leaves alone what stands above it: somebody may be typing there.
    again = viewer.get(reverse("queue_list"), headers={**HTMX, "HX-Source": "div#queues-table"})
    assert 'id="queue-query"' not in html(again)


def test_the_field_offers_what_the_brokers_queues_have(viewer: Client, broker: Broker) -> None:
    make_queue(broker, "orders", policy="ha two", health_rank=3, health_reasons=[{"code": "no_consumers"}])

    def offered(q: str) -> str:
        return html(viewer.get(reverse("queue_complete"), {"q": q, "at": str(len(q))}))

    assert 'data-text="health:"' in offered("hea")
    assert 'data-text="lag&gt;"' in offered("x la")
    assert 'data-text="5m ' in offered("lag>5")
    assert "ha two" in offered("-policy:h")
    assert "no_consumers" in offered("reason:")
    assert "broken" in offered("health:b")


def test_a_view_is_saved_shown_and_deleted(operator: Client, broker: Broker) -> None:
    make_queue(broker, "orders")
    asked = {"q": "health:broken", "show": "watch", "page": "3"}
    assert "Save this view" in html(operator.get(reverse("queue_list"), asked))
    given = {"view_name": "Bad", "view_query": "q=health%3Abroken&page=3", "view_shared": "1"}
    operator.post(reverse("queue_view_save"), given)
    view = SavedQueueView.objects.get()
    assert (view.query, view.owner) == ("q=health%3Abroken", "")
    assert "Bad" in html(operator.get(reverse("queue_list")))
    operator.post(reverse("queue_view_delete", args=[view.pk]))
    assert not SavedQueueView.objects.exists()
