"""Who may agree, refuse, take back, go ahead alone; and what becomes of an act that nobody decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from mqadmin.alerts.models import Rule
from mqadmin.alerts.seeing import of_approvals
from mqadmin.alerts.seeing.world import World
from mqadmin.alerts.telling import wording
from mqadmin.alerts.telling.members import Member
from mqadmin.approvals.acts import closing, deciding
from mqadmin.approvals.gate.size import Limit, Size, limit_of
from mqadmin.approvals.models import Approval, Counted
from mqadmin.core import brokers, hooks
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.acts import decide, patching
from mqadmin.deadletters.acts.patching import Change
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import selection
from mqadmin.deadletters.search.selection import Filter
from tests.approvals.conftest import actor, person
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(ann: User) -> Approval:
    """Six letters that ann wants to discard."""
    return kept(lambda: decide.discard(selection=some(6), by=actor(ann)))


def some(count: int) -> selection.Selection:
    return selection.some("default", [letter().pk for _ in range(count)])


def kept(act: Callable[[], object]) -> Approval:
    with pytest.raises(Awaits) as caught:
        act()
    return Approval.objects.get(pk=caught.value.told["id"])


def agree(approval: Approval, user: User, **more: Any) -> Approval:
    return deciding.approve(approval=approval, user=user, by=actor(user, **more), seen=approval.version)


def test_letters_are_discarded_restored_and_edited_once_agreed(
    waiting: Approval, ann: User, bob: User
) -> None:
    done = agree(waiting, bob)
    assert operations.execute(done.operation_id or 0)
    assert DeadLetter.objects.filter(status="discarded").count() == 6

    every = selection.all_that_match(Filter("default"))
    restored = agree(kept(lambda: decide.restore(selection=every, by=actor(ann))), bob)
    assert operations.execute(restored.operation_id or 0)
    change = Change(find="{}", replace='{"a": 1}')
    edit = kept(lambda: patching.start(selection=every, change=change, by=actor(ann)))
    text = '“{}” becomes “{"a": 1}” in the text of the body.'
    assert text in [item["text"] for item in edit.foretold]
    assert operations.execute(agree(edit, bob).operation_id or 0)
    assert {bytes(row.body) for row in DeadLetter.objects.all()} == {b'{"a": 1}'}


def test_what_others_decided_meanwhile_is_less(waiting: Approval, bob: User) -> None:
    DeadLetter.objects.filter(pk__in=DeadLetter.objects.values("pk")[:2]).update(status="requeued")
    assert agree(waiting, bob).operation is not None
    assert Operation.objects.get().total == 4


@pytest.mark.parametrize("via", ["web", "api"])
def test_nobody_agrees_to_their_own(waiting: Approval, ann: User, via: str) -> None:
    with pytest.raises(Refusal, match="yourself") as caught:
        agree(waiting, ann, via=via)
    assert caught.value.code == "own"
    ann.username = "somebody else"
    ann.save()
    with pytest.raises(Refusal, match="yourself"):
        agree(waiting, ann, via=via)
    waiting.refresh_from_db()
    assert waiting.status == "waiting"


def test_an_account_with_the_name_of_who_asked_is_them(waiting: Approval, ann: User) -> None:
    ann.delete()
    waiting.refresh_from_db()
    with pytest.raises(Refusal, match="yourself"):
        agree(waiting, person("ann"))


def test_it_takes_the_right_of_the_act(waiting: Approval) -> None:
    vic = person("vic", "viewer")
    with pytest.raises(PermissionDenied):
        agree(waiting, vic)
    with pytest.raises(PermissionDenied):
        closing.refuse(approval=waiting, user=vic, by=actor(vic), reason="no")
    agree(waiting, person("dan", "operator"))


def test_it_is_refused_with_a_reason(waiting: Approval, ann: User, bob: User) -> None:
    with pytest.raises(Refusal, match="Say why"):
        closing.refuse(approval=waiting, user=bob, by=actor(bob), reason=" ")
    with pytest.raises(Refusal, match="take it back"):
        closing.refuse(approval=waiting, user=ann, by=actor(ann), reason="no")
    closing.refuse(approval=waiting, user=bob, by=actor(bob), reason="the shop is open")
    assert (waiting.status, waiting.reason) == ("refused", "the shop is open")
    with pytest.raises(Refusal, match="bob refused it"):
        agree(waiting, person("eve"))
    assert AuditEntry.objects.filter(action="approval.refuse", outcome="done").get().detail["reason"]


def test_only_who_asked_takes_it_back(waiting: Approval, ann: User, bob: User) -> None:
    with pytest.raises(Refusal, match="ann asked for it: refuse it"):
        closing.take_back(approval=waiting, user=bob, by=actor(bob))
    closing.take_back(approval=waiting, user=ann, by=actor(ann))
    with pytest.raises(Refusal, match="ann took it back"):
        agree(waiting, bob)
    assert not Operation.objects.exists()


def test_it_expires(waiting: Approval, bob: User) -> None:
    assert waiting.expires_at - waiting.asked_at == timedelta(hours=24)
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    waiting.refresh_from_db()
    assert waiting.stage == "expired"
    with pytest.raises(Refusal, match="Its time is over"):
        agree(waiting, bob)
    assert hooks.nav_badge("approvals", "default") is None
    assert closing.step() == "1 approval expired"
    assert closing.step() == ""
    assert Approval.objects.get().status == "expired"
    assert AuditEntry.objects.get(action="approval.expire").actor == "mqadmin"


def test_what_was_lost_while_it_was_done_is_told(waiting: Approval) -> None:
    Approval.objects.update(status="doing", decided_at=timezone.now() - closing.LOST * 2, decided_by="bob")
    closing.step()
    waiting.refresh_from_db()
    assert waiting.status == "failed"
    assert "whether it was done is not known" in waiting.result


def test_alone_only_who_is_named_and_says_why(waiting: Approval, ann: User, bob: User, settings: Any) -> None:
    def alone(user: User, reason: str) -> Approval:
        return deciding.go_alone(
            approval=waiting, user=user, by=actor(user), reason=reason, seen=waiting.version
        )

    with pytest.raises(Refusal) as forbidden:
        alone(ann, "the site is down, nobody answers")
    assert forbidden.value.code == "not_alone"
    settings.MQADMIN_FOUR_EYES_ALONE = ["ann", "bob"]
    with pytest.raises(Refusal, match="Nobody may go ahead alone but who asked"):
        alone(bob, "the site is down, nobody answers")
    with pytest.raises(Refusal, match="Say why"):
        alone(ann, "now!")
    alone(ann, "the site is down, nobody answers")
    assert (waiting.status, waiting.is_alone, waiting.decided_by) == ("done", True, "ann")
    told = AuditEntry.objects.get(action="approval.alone", outcome="done")
    assert told.detail["reason"] == "the site is down, nobody answers"
    assert Operation.objects.count() == 1


def test_an_act_from_the_shell_may_be_agreed_to(bob: User) -> None:
    chosen = some(6)
    waiting = kept(lambda: decide.discard(selection=chosen, by=Actor("root", "shell")))
    assert agree(waiting, bob).operation is not None


def test_the_same_account_cannot_split(ann: User) -> None:
    decide.discard(selection=some(3), by=actor(ann))
    waiting = kept(lambda: decide.discard(selection=some(3), by=actor(ann, "api")))
    assert "Together with 3 messages" in waiting.lately
    assert Counted.objects.count() == 1  # what waits is not done
    decide.restore(selection=_discarded(), by=actor(ann))  # another kind of act


def _discarded() -> selection.Selection:
    pk = letter(status="discarded").pk
    return selection.some("default", [pk])


def test_in_a_restored_database_nothing_waits(waiting: Approval, bob: User) -> None:
    assert "1 act that waited for a second person is closed." in hooks.restored("restored from a backup")
    waiting.refresh_from_db()
    with pytest.raises(Refusal, match="Its time is over"):
        agree(waiting, bob)


def test_alerts_tell_of_what_waits_and_of_who_went_alone(waiting: Approval, settings: Any, ann: User) -> None:
    def found(**rule: Any) -> list[tuple[str, str]]:
        made = Rule(pk=1, about=Rule.About.APPROVAL, window_s=3600, **rule)
        now = timezone.now()
        hits = of_approvals.approvals(made, World(now, {}))
        told = [Member(hit.subject, made, now, hit.params) for hit in hits]
        return [(wording.title("", [item]), wording.sentence(item)) for item in told]

    ((title, sentence),) = found(codes=["waiting"])
    assert title == "ann waits for a second person: Discard 6 letters"
    assert sentence.startswith("6 messages on default; it expires at ")
    assert found(codes=["alone"]) == []
    settings.MQADMIN_FOUR_EYES_ALONE = ["ann"]
    reason = "the site is down, nobody answers"
    deciding.go_alone(approval=waiting, user=ann, by=actor(ann), reason=reason, seen=waiting.version)
    assert found() == [("ann went ahead alone: Discard 6 letters", f"6 messages on default. Why: {reason}.")]


def test_refused_acts_are_no_approvals(ann: User) -> None:
    with pytest.raises(Refusal):
        decide.discard(selection=some(6), by=actor(ann), expect=7)
    assert not Approval.objects.exists()


@pytest.mark.parametrize(
    ("environment", "of_all", "own", "found"),
    [
        ("production", 0, None, None),
        ("production", 100, None, 100),
        ("staging", 100, None, None),
        ("staging", 0, 7, 7),
        ("production", 100, 0, None),
    ],
)
def test_whose_size_holds(
    environment: str, of_all: int, own: int | None, found: int | None, settings: Any, tmp_path: Any
) -> None:
    file = tmp_path / "brokers.toml"
    table = f'[brokers.one]\namqp_url = "amqp://localhost"\nenvironment = "{environment}"\n'
    file.write_text(table if own is None else f"{table}four_eyes = {own}\n")
    settings.MQADMIN_BROKERS_FILE, settings.MQADMIN_FOUR_EYES = str(file), of_all
    brokers.forget()
    limit = limit_of("one")
    assert (limit.messages if limit else None) == found
    assert limit_of("gone") is None


@pytest.mark.parametrize(
    ("agreed", "now", "is_more"),
    [
        (Size(1000), Size(1100), False),
        (Size(1000), Size(1101), True),
        (Size(0, 30), Size(0, 33), False),
        (Size(0, 30), Size(0, 34), True),
        (Size(0, 30), Size(100, 30), False),  # a few messages came into queues that were empty
        (Size(0, 30), Size(101, 30), True),
        (Size(5000), Size(1), False),
    ],
)
def test_what_is_noticeably_more(agreed: Size, now: Size, is_more: bool) -> None:
    assert Limit(1000, 10).has_outgrown(agreed, now) is is_more
