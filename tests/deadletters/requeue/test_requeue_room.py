"""A requeue drops nothing in the queue it goes to, unless a person says that it may."""

from __future__ import annotations

import pytest

from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import claims, dryrun, requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from tests.deadletters.conftest import Place
from tests.deadletters.factories import died, letter
from tests.deadletters.requeue.test_requeue import carry_out, start
from tests.support.management import Management

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ids(place: Place, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Three letters that died in `small`, which holds two messages and drops the oldest."""
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    place.channel.queue_declare("small", durable=True, arguments={"x-max-length": 2})
    return [letter(b"%d" % n, vhost=place.vhost, headers=died("small")).pk for n in range(3)]


def test_what_would_drop_some_is_refused_unless_somebody_says_that_it_may(
    place: Place, by: Actor, ids: list[int]
) -> None:
    chosen = selection.some("default", ids)
    told = dryrun.of(selection=chosen, to=To())
    (loss,) = told.losses
    assert "about 1 of its oldest messages would be dropped. Only 2 more fit." in loss
    assert loss in told.warnings
    with pytest.raises(Refusal) as refusal:
        start(place, by, *ids)
    assert (refusal.value.code, refusal.value.text) == ("would_lose", loss)
    assert not Operation.objects.exists()
    carry_out(requeue.start(selection=chosen, to=To(), by=by, allow_loss=True))
    assert place.depth("small") == 2
    assert DeadLetter.objects.filter(status="requeued").count() == 3


def test_also_by_a_policy_that_was_just_set(
    place: Place, by: Actor, ids: list[int], management: Management
) -> None:
    management.set_policy(place.vhost, "short", "^small$", {"max-length": 1})
    with pytest.raises(Refusal, match="Only 1 more fits"):
        start(place, by, *ids[:2])


def test_those_for_which_others_took_the_room_meanwhile_stay_with_the_reason(
    place: Place, by: Actor, ids: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BATCH", 1)
    operation = start(place, by, *ids[:2])
    place.channel.basic_publish("", "small", b"mine")
    carry_out(operation)
    assert (operation.status, operation.done, operation.failed) == ("done", 1, 1)
    left = DeadLetter.objects.get(pk=ids[1])
    assert left.status == "parked"
    assert left.status_reason == "“small” holds at most 2 messages, and has no room for more."
    assert {place.take("small").body, place.take("small").body} == {b"mine", b"0"}
