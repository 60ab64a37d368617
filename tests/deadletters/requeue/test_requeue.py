"""Requeue against a real broker: claim, publish, confirm, mark (guarantees 4 and 8)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.core.rows import batches
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Filter
from mqadmin.rabbit.errors import NotFound
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests carry operations out themselves."""
    monkeypatch.setattr(operations, "nudge", lambda pk: None)


def start(place: Place, by: Actor, *ids: int, to: To | None = None) -> Operation:
    return requeue.start(selection=selection.some("default", ids), to=to or To(), by=by)


def carry_out(operation: Operation) -> Operation:
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    return operation


def test_a_letter_goes_back_to_the_queue_it_died_in(place: Place, by: Actor) -> None:
    headers = {**died(), "customer": "Ada", "weight": 1.5, "CC": ["other"]}
    one = letter(
        b"\x00body",
        vhost=place.vhost,
        headers=headers,
        message_id="ord-17",
        expiration="5",
        user_id="somebody",
        priority=3,
    )
    operation = carry_out(start(place, by, one.pk))

    assert (operation.status, operation.done, operation.failed) == ("done", 1, 0)
    message = place.take("orders")
    one.refresh_from_db()
    assert message.body == b"\x00body"
    assert message.properties.message_id == "ord-17"
    assert message.properties.priority == 3
    assert (message.properties.expiration, message.properties.user_id) == (None, None)
    assert message.headers == {
        "customer": "Ada",
        "weight": 1.5,
        "mqadmin-original-CC": ["other"],
        "mqadmin-original-expiration": "5",
        "mqadmin-original-user-id": "somebody",
        "mqadmin-requeue-id": one.requeue_id,
    }
    assert (one.status, one.requeue_count) == ("requeued", 1)
    assert one.decided_at is not None
    event = one.events.get()
    assert (event.kind, event.by, event.operation) == ("requeued", "ann", operation)
    assert "orders" in event.text
    entry = AuditEntry.objects.get(action="dead_letters.requeue")
    assert (entry.actor, entry.count, entry.outcome) == ("ann", 1, "done")


def test_to_the_original_exchange_reaches_every_bound_queue_and_says_so(place: Place, by: Actor) -> None:
    place.channel.queue_declare("audit")
    place.channel.queue_bind("audit", "shop", "#")
    one = letter(b"x", vhost=place.vhost)
    chosen = selection.some("default", [one.pk])
    (found,) = requeue.check(selection=chosen, to=To("exchange"))
    assert found.queues == ("audit", "orders")
    assert "audit, orders" in found.warning
    carry_out(requeue.start(selection=chosen, to=To("exchange"), by=by))
    assert place.take("orders").routing_key == "order.created"
    assert place.take("audit").body == b"x"


def test_what_cannot_be_routed_stays_with_the_reason(place: Place, by: Actor) -> None:
    lost = letter(b"lost", vhost=place.vhost, headers=died("gone"))
    unknown = letter(b"unknown", vhost=place.vhost, headers={})
    fine = letter(b"fine", vhost=place.vhost)
    operation = carry_out(start(place, by, lost.pk, unknown.pk, fine.pk))

    assert (operation.status, operation.done, operation.failed) == ("done", 1, 2)
    for one, words in ((lost, "There is no queue “gone”"), (unknown, "not known which queue")):
        one.refresh_from_db()
        assert one.status == "parked"
        assert words in one.status_reason
        assert one.events.get().kind == "returned"
        assert words in operation.problems.get(target=str(one.pk)).reason
    fine.refresh_from_db()
    assert fine.status == "requeued"


@pytest.mark.parametrize(
    ("to", "words"),
    [
        (To("given", "no-such-exchange", "k"), "no exchange “no-such-exchange”"),
        (To("given", "", "no-such-queue"), "no queue “no-such-queue”"),
        (To("given", "shop", "nothing.bound"), "No queue is bound to “shop”"),
        (To("given", "", "dlx.orders"), "straight back to the dead-letter queue"),
        (To("given", "dlx", "any"), "straight back to the dead-letter queue"),
    ],
)
def test_a_destination_that_cannot_work_is_refused_before_anything_is_published(
    place: Place, by: Actor, to: To, words: str
) -> None:
    one = letter(vhost=place.vhost)
    with pytest.raises(Refusal, match=words):
        start(place, by, one.pk, to=to)
    assert not Operation.objects.exists()
    one.refresh_from_db()
    assert one.status == "parked"
    assert AuditEntry.objects.get().outcome == "refused"


def test_a_full_queue_that_refuses_keeps_the_letter_in_the_inbox(place: Place, by: Actor) -> None:
    place.channel.queue_declare("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    one = letter(vhost=place.vhost, headers=died("full"))
    operation = carry_out(start(place, by, one.pk))
    one.refresh_from_db()
    assert (operation.failed, one.status) == (1, "parked")
    assert one.status_reason


def test_after_a_crash_between_publish_and_mark_the_copy_has_the_same_id(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = letter(b"x", vhost=place.vhost)
    operation = start(place, by, one.pk)

    class Killed(BaseException):
        """As if the worker ended here."""

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(requeue, "_mark", die)
        with pytest.raises(Killed):
            operations.execute(operation.pk)
    assert claims.write_down_orphans() == 0, "its lease has not run out: it may be alive"
    Operation.objects.filter(pk=operation.pk).update(lease_until=timezone.now())
    assert claims.write_down_orphans() == 1
    one.refresh_from_db()
    assert (one.status, one.operation_id) == ("requeueing", operation.pk)
    first = place.take("orders")

    carry_out(operation)
    second = place.take("orders")
    one.refresh_from_db()
    assert one.status == "requeued"
    assert first.headers["mqadmin-requeue-id"] == second.headers["mqadmin-requeue-id"] == one.requeue_id
    assert one.requeue_count == 1


def test_while_the_broker_is_away_the_letter_stays_claimed_and_cancelling_gives_it_back(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = letter(b"x", vhost=place.vhost)
    operation = start(place, by, one.pk)
    with monkeypatch.context() as patch:
        patch.setenv("RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:1/")
        brokers.forget()
        carry_out(operation)
    assert operation.status == "pending"
    assert operation.error
    one.refresh_from_db()
    assert one.status == "requeueing"
    held = one.requeue_id

    brokers.forget()
    carry_out(operation)
    one.refresh_from_db()
    assert (operation.status, one.status) == ("done", "requeued")
    assert place.take("orders").headers["mqadmin-requeue-id"] == held

    other = letter(b"y", vhost=place.vhost)
    operation = start(place, by, other.pk)
    claims.claim(operation, selection.some("default", [other.pk]), after=0)
    other.refresh_from_db()
    assert other.status == "parked", "its own row is written once, with what became of it"
    operations.cancel(operation=operation, by=by)
    other.refresh_from_db()
    assert other.status == "parked"
    assert "may have been requeued" in other.status_reason


def test_an_operation_that_fails_gives_its_letters_back(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = letter(b"x", vhost=place.vhost)
    operation = start(place, by, one.pk)

    def fail(*args: Any) -> None:
        raise NotFound("no such vhost")

    monkeypatch.setattr(requeue, "_publish", fail)
    carry_out(operation)
    one.refresh_from_db()
    assert (operation.status, one.status) == ("failed", "parked")


def taken(found: tuple[int, claims.Batch] | None) -> list[int]:
    return [letter.id for letter in found[1].letters] if found else []


def test_two_operations_that_want_the_same_letter_one_wins(place: Place, by: Actor) -> None:
    ids = [letter(bytes([65 + index]), vhost=place.vhost).pk for index in range(4)]
    first, second = start(place, by, *ids), start(place, by, *ids)
    chosen = selection.some("default", ids)
    assert taken(claims.claim(first, chosen, after=0)) == ids
    assert taken(claims.claim(second, chosen, after=0)) == []
    claims.write_down(first)
    assert taken(claims.claim(second, chosen, after=0)) == []
    carry_out(second)
    carry_out(first)
    assert place.depth("orders") == 4
    assert DeadLetter.objects.filter(status="requeued", operation=first).count() == 4


def test_a_letter_claimed_between_look_and_claim_is_left_to_whoever_was_first(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = letter(vhost=place.vhost)
    first, second = start(place, by, one.pk), start(place, by, one.pk)
    look = claims.fitting

    def overtaken(sizes: Any) -> Any:
        ids = look(sizes)
        DeadLetter.objects.filter(pk__in=ids).update(status="requeueing", operation=first, requeue_id="first")
        return ids

    monkeypatch.setattr(claims, "fitting", overtaken)
    claims.claim(second, selection.some("default", [one.pk]), after=0)
    one.refresh_from_db()
    assert (one.operation_id, one.requeue_id) == (first.pk, "first")


def test_all_that_match_is_frozen_when_it_is_clicked(place: Place, by: Actor) -> None:
    for _ in range(3):
        letter(b"early", vhost=place.vhost)
    chosen = selection.all_that_match(Filter("default", q="early", status="parked"))
    operation = requeue.start(selection=chosen, to=To(), by=by, expect=3)
    late = letter(b"early, but late", vhost=place.vhost)
    carry_out(operation)
    late.refresh_from_db()
    assert (operation.done, late.status) == (3, "parked")
    with pytest.raises(Refusal, match="letter"):
        requeue.start(selection=chosen, to=To(), by=by, expect=3)


def test_many_letters_go_in_batches_bounded_by_size(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BATCH", 7)
    monkeypatch.setattr(claims, "fitting", partial(batches.fitting, most_bytes=50))
    ids = [letter(b"x" * 20, vhost=place.vhost, message_id=str(index)).pk for index in range(20)]
    sizes: list[int] = []
    publish = requeue._publish

    def count(broker: str, vhost: str, items: Any) -> Any:
        sizes.append(len(items))
        return publish(broker, vhost, items)

    monkeypatch.setattr(requeue, "_publish", count)
    operation = carry_out(start(place, by, *ids))
    assert operation.done == 20
    assert max(sizes) == 2
    assert [place.take("orders").properties.message_id for _ in ids] == [str(index) for index in range(20)]


def test_a_paused_operation_leaves_what_it_has_not_claimed(
    place: Place, by: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BATCH", 2)
    ids = [letter(b"x", vhost=place.vhost).pk for _ in range(4)]
    operation = start(place, by, *ids)
    send = requeue.Sender.send

    def pause_after(sender: requeue.Sender, batch: claims.Batch) -> None:
        operations.pause(operation=Operation.objects.get(pk=operation.pk), by=by)
        send(sender, batch)

    with monkeypatch.context() as patch:
        patch.setattr(requeue.Sender, "send", pause_after)
        carry_out(operation)
    assert operation.status == "paused"
    assert DeadLetter.objects.filter(status="requeued").count() == 2
    assert DeadLetter.objects.filter(status="parked").count() == 2
    operations.resume(operation=operation, by=by)
    carry_out(operation)
    assert (operation.status, operation.done) == ("done", 4)


@pytest.mark.parametrize(
    "own",
    [
        {"retry-count": 3},
        {"x-original-exchange": "shop"},
        {"MT-Reason": "moved to another tariff"},
        {"NServiceBus.Retries": "2"},
        {"reason_poisoned": "arsenic"},
        {"x-first-death-cause": "late", "x-last-death-note": "n"},
    ],
    ids=lambda own: ", ".join(own),
)
def test_headers_of_the_application_go_with_the_copy(place: Place, by: Actor, own: dict[str, str]) -> None:
    place.publish(b"x", headers={**own, "tenant": "acme"})
    place.wait_depth("orders", 1)
    place.reject_all()
    place.wait_depth("dlx.orders", 1)
    died_for_real = place.take("dlx.orders").headers
    assert died_for_real["x-death"]
    one = letter(b"x", vhost=place.vhost, headers=died_for_real)
    carry_out(start(place, by, one.pk))
    one.refresh_from_db()
    assert place.take("orders").headers == {
        **own,
        "tenant": "acme",
        "mqadmin-requeue-id": one.requeue_id,
    }


NSERVICEBUS = {
    "NServiceBus.FailedQ": "orders",
    "NServiceBus.ExceptionInfo.ExceptionType": "System.Exception",
    "NServiceBus.Retries": "2",
}


@pytest.mark.parametrize("keep", [False, True])
def test_what_the_framework_wrote_that_failed_goes_unless_one_keeps_it(
    place: Place, by: Actor, keep: bool
) -> None:
    one = letter(b"x", vhost=place.vhost, headers={**died(), **NSERVICEBUS, "retry-count": 3})
    chosen = selection.some("default", [one.pk])
    carry_out(requeue.start(selection=chosen, to=To(), by=by, keep_headers=keep))
    headers = place.take("orders").headers
    headers.pop("mqadmin-requeue-id")
    assert headers == {**(NSERVICEBUS if keep else {}), "retry-count": 3}
    assert AuditEntry.objects.get(action="dead_letters.requeue").detail.get("keep_headers", False) is keep
