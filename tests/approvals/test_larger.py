"""A restore of definitions, a conversion and a requeue that wait for a second person, on a real broker."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from mqadmin.administration.converting import acting, steps
from mqadmin.approvals.acts import deciding
from mqadmin.approvals.models import Approval
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care
from mqadmin.deadletters.search import selection
from mqadmin.definitions.acts import restoring
from mqadmin.definitions.acts.planning import Scope, Step
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.keeping import asking, versions
from tests.administration.conftest import shop  # noqa: F401
from tests.approvals.conftest import actor
from tests.deadletters.conftest import Place, place  # noqa: F401
from tests.deadletters.factories import died, letter
from tests.definitions.conftest import Town, carried_out, town  # noqa: F401
from tests.support.conversions import carry_out, classic
from tests.support.management import Management

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def kept(act: Callable[[], object]) -> Approval:
    with pytest.raises(Awaits) as caught:
        act()
    return Approval.objects.get(pk=caught.value.told["id"])


def agree(approval: Approval, user: User) -> Operation:
    done = deciding.approve(approval=approval, user=user, by=actor(user), seen=approval.version)
    assert done.operation is not None
    return done.operation


def made_or_changed(step: Step) -> bool:
    return step.act in ("create", "change")


def test_a_version_is_restored_once_agreed(town: Town, ann: User, bob: User) -> None:  # noqa: F811
    version = asking.look("default") or versions.newest("default")
    assert version is not None
    before = {key for key in town.objects() if key.kind != kinds.USER}
    town.management.delete_vhost(town.vhost)
    wanted = Wanted(versions.objects(version), "a version", version.pk)
    scope = Scope(vhost=town.vhost)
    waiting = kept(
        lambda: restoring.start(
            broker="default", wanted=wanted, chosen=made_or_changed, by=actor(ann), scope=scope
        )
    )
    assert "objects" not in waiting.arguments  # the version is kept already
    assert any("is made" in item["text"] for item in waiting.foretold)
    results = carried_out(agree(waiting, bob))
    assert {item.outcome for item in results} == {"done"}
    assert {key for key in town.objects() if key.kind != kinds.USER} == before


def test_of_a_file_what_it_says_is_kept_without_secrets(town: Town, ann: User, bob: User) -> None:  # noqa: F811
    objects = asking.live("default").objects
    mine = {key: body for key, body in objects.items() if key.vhost == town.vhost}
    town.management.delete_vhost(town.vhost)
    given: dict[str, Any] = {"broker": "default", "chosen": made_or_changed, "by": actor(ann)}
    scope = Scope(vhost=town.vhost)
    waiting = kept(lambda: restoring.start(wanted=Wanted(mine, "file a.json"), scope=scope, **given))
    assert len(waiting.arguments["objects"]) == len(mine)
    assert {item.outcome for item in carried_out(agree(waiting, bob))} == {"done"}

    # One that brings a password is kept nowhere, and so cannot wait.
    town.wreck()
    user = {key: body for key, body in objects.items() if key.parts == (town.user,)}
    with pytest.raises(Refusal, match="kept nowhere") as caught:
        restoring.start(wanted=Wanted({**mine, **user}, "file b.json"), **given)
    assert caught.value.code == "secrets"
    assert Approval.objects.count() == 1


def test_a_command_says_that_it_waits(town: Town, tmp_path: Path) -> None:  # noqa: F811
    file, mine = str(tmp_path / "shop.json"), ("--vhost", town.vhost)
    call_command("topology", "export", file, *mine, stdout=StringIO(), stderr=StringIO())
    town.management.delete_vhost(town.vhost)
    told = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("topology", "apply", file, *mine, "--confirm", "default", stdout=told, stderr=told)
    assert ended.value.code == 1
    waiting = Approval.objects.get()
    assert f"/approvals/{waiting.pk}/" in told.getvalue()
    assert (waiting.via, waiting.asker_id) == ("shell", None)
    assert AuditEntry.objects.get(action="definitions.restore").outcome == "waiting"


def test_a_conversion_waits_and_its_undoing_too(
    management: Management,
    shop: str,  # noqa: F811
    ann: User,
    bob: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps.Job, "_held", lambda self, name: 0)  # nobody holds a message here
    queue = classic(management, shop)
    waiting = kept(lambda: acting.convert(queue=queue, by=actor(ann), publishers_stopped=True))
    operation = carry_out(agree(waiting, bob))
    assert (operation.status, operation.created_by) == ("done", "ann")
    undo = kept(lambda: acting.undo(operation=operation, by=actor(bob), publishers_stopped=True))
    assert undo.asked_by == "bob"
    assert carry_out(agree(undo, ann)).status == "done"
    assert management.queue(shop, queue.name).info.type == "classic"


def test_letters_are_requeued_as_carefully_as_was_asked(
    place: Place,  # noqa: F811
    ann: User,
    bob: User,
) -> None:
    ids = [letter(vhost=place.vhost, headers=died(), message_id=f"m-{n}").pk for n in range(6)]
    care = Care(rate=1000, hold_seconds=60, canary_seconds=60)
    chosen = selection.some("default", ids)
    waiting = kept(lambda: requeue.start(selection=chosen, to=To(), by=actor(ann), care=care))
    assert {"level": "tells", "text": "6 letters go to orders."} in waiting.foretold
    assert place.depth("orders") == 0
    operation = agree(waiting, bob)
    assert (operation.rate_limit, operation.canary["seconds"], operation.phase) == (1000, 60, "held")
    assert operation.begins_in


def test_another_destination_is_agreed_to_anew(place: Place, ann: User, bob: User) -> None:  # noqa: F811
    ids = [letter(vhost=place.vhost, headers=died()).pk for n in range(6)]
    to, chosen = To("exchange"), selection.some("default", ids)
    waiting = kept(lambda: requeue.start(selection=chosen, to=to, by=actor(ann)))
    place.channel.queue_declare("billing", durable=True)
    place.channel.queue_bind("billing", "shop", "order.#")
    with pytest.raises(Refusal, match="another by now"):
        agree(waiting, bob)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.version) == ("waiting", 2)
    assert agree(waiting, bob).total == 6


def test_what_carries_on_by_itself_is_not_asked_about(place: Place) -> None:  # noqa: F811
    ids = [letter(vhost=place.vhost, headers=died()).pk for n in range(6)]
    by = Actor("retry rule", "system")
    assert requeue.start(selection=selection.some("default", ids), to=To(), by=by).total == 6
