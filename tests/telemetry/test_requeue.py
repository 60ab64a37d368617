"""A requeue as spans: one for each batch, linked to the traces of letters, which are published as they were."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from consumers.records import replaying
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.requeue import claims, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.telemetry import joining, running
from tests.deadletters.conftest import Place, by, place  # noqa: F401
from tests.deadletters.factories import died, letter
from tests.support.consumers import make_consumer, make_record
from tests.support.otlp import Receiver
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]

TRACE, SPAN, OWN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "b7ad6b7169203331"


@pytest.fixture
def telling(collector: Receiver) -> Iterator[Receiver]:
    running.start("worker")
    yield collector
    running.stop()


def test_a_replay_of_a_record_is_linked_to_its_trace(
    telling: Receiver,
    place: Place,  # noqa: F811
    by: Actor,  # noqa: F811
) -> None:
    parent = f"00-{TRACE}-{SPAN}-01"
    record = make_record(
        make_consumer(queue="orders", vhost=place.vhost),
        body=b"{}",
        properties={},
        headers={"traceparent": parent, "mqadmin-traceparent": f"00-{TRACE}-{OWN}-01"},
    )
    replaying.requeue(record=record, by=by)
    running.stop()
    [span] = telling.named("requeue orders")
    assert span.links == [TRACE]
    headers = place.take("orders").headers
    assert headers["traceparent"] == parent
    assert headers["mqadmin-requeue-id"] == span.attributes["mqadmin.requeue.id"]
    assert "mqadmin-traceparent" not in headers


def test_a_span_of_each_batch_and_letters_as_they_were(
    telling: Receiver,
    place: Place,  # noqa: F811
    by: Actor,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    monkeypatch.setattr(claims, "BATCH", 3)
    monkeypatch.setattr(joining, "MOST_LINKS", 2)
    parent = f"00-{TRACE}-{SPAN}-01"
    first = letter(
        b"0",
        vhost=place.vhost,
        headers={**died(), "traceparent": parent, "mqadmin-traceparent": f"00-{TRACE}-{OWN}-01"},
    )
    ids = [first.pk]
    for number in range(1, 5):
        headers = {**died(), "traceparent": f"00-{number:032x}-{SPAN}-01"} if number < 4 else died()
        ids.append(letter(str(number).encode(), vhost=place.vhost, headers=headers).pk)
    operation = requeue.start(selection=selection.some("default", ids), to=To(), by=by)
    assert operations.execute(operation.pk)
    running.stop()

    whole = wait_until(lambda: telling.named("requeue default"))[0]
    batches = telling.named("requeue batch")
    assert whole.attributes["mqadmin.operation.id"] == operation.pk
    assert sorted(span.attributes["messaging.batch.message_count"] for span in batches) == [2, 3]
    assert sum(span.attributes["mqadmin.confirmed"] for span in batches) == 5
    assert {(span.trace_id, span.parent) for span in batches} == {(whole.trace_id, whole.span_id)}
    assert all(len(span.links) <= 2 for span in batches)
    assert TRACE in {trace for span in batches for trace in span.links}

    # Guarantee 4: what was published is what was captured; of the trace, too.
    message = place.take("orders")
    assert message.headers["traceparent"] == parent
    assert set(message.headers) == {"traceparent", "mqadmin-requeue-id"}
