"""A broker is wrecked and comes back: every object, as it was, but for what only the broker had."""

from __future__ import annotations

import pytest

from mqadmin.core.acts.audit import Actor
from mqadmin.core.models import AuditEntry
from mqadmin.definitions.acts import restoring, sources
from mqadmin.definitions.acts.planning import Scope, Step
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.keeping import asking, versions
from mqadmin.definitions.models import Part, Version
from tests.definitions.conftest import HARD, Town, carried_out
from tests.support.amqp import publish

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")


def kept() -> Version:
    made = asking.look("default") or versions.newest("default")
    assert made is not None
    return made


def of(version: Version) -> Wanted:
    return Wanted(versions.objects(version), f"version {version.pk}")


def all_that_can(step: Step) -> bool:
    return step.act in ("create", "change")


def restore(town: Town, version: Version, **options: object) -> list[Result]:
    chosen = options.pop("chosen", all_that_can)
    return carried_out(
        restoring.start(
            broker="default",
            wanted=of(version),
            chosen=chosen,  # type: ignore[arg-type]
            by=ANN,
            scope=Scope(vhost=town.vhost),
            **options,  # type: ignore[arg-type]
        )
    )


def without_passwords(town: Town) -> dict[kinds.Key, object]:
    return {
        key: {name: value for name, value in body.items() if name != "password_hash"}
        for key, body in town.objects().items()
    }


def test_all_comes_back_as_it_was(town: Town) -> None:
    before = without_passwords(town)
    assert {key.kind for key in before} == set(kinds.ORDER) - {kinds.PARAMETER, kinds.GLOBAL_PARAMETER}
    version = kept()
    town.wreck()
    user = next(key for key in before if key.kind == kinds.USER)
    again = carried_out(
        restoring.start(
            broker="default", wanted=of(version), chosen=all_that_can, by=ANN, scope=Scope(object_id=user.id)
        )
    )
    results = restore(town, version)
    assert [item for item in [*again, *results] if item.outcome != "done"] == []
    assert without_passwords(town) == before
    entry = AuditEntry.objects.filter(action="definitions.restore").first()
    assert entry is not None
    assert entry.count == len(results)
    assert entry.target.endswith(f"version {version.pk}")
    newest = versions.newest("default")
    assert newest is not None
    assert {"actor": "ann", "action": "definitions.restore"} in newest.who


def test_what_was_changed_or_taken_away_comes_back_alone(town: Town) -> None:
    before = town.objects()
    version = kept()
    town.management.set_policy(town.vhost, "limits", "^nothing", {"max-length": 1})
    town.call("DELETE", "operator-policies", town.vhost, "ours")
    town.management.clear_permissions(town.vhost, town.user)
    town.management.delete_queue(town.vhost, HARD[0])
    results = restore(town, version)
    told = {(item.step.act, item.step.key.kind, item.outcome) for item in results}
    assert told == {
        ("change", "policy", "done"),
        ("create", "operator_policy", "done"),
        ("create", "permission", "done"),
        ("create", "queue", "done"),
        ("create", "binding", "done"),
    }
    assert town.objects() == before


def test_a_queue_that_is_extra_stays_until_it_is_ticked_and_empty(town: Town) -> None:
    version = kept()
    town.management.declare_queue(town.vhost, "extra")
    publish(town.management.config, town.vhost, "extra", [b"x"])
    with pytest.raises(restoring.Refusal, match="Nothing of what was chosen"):
        restore(town, version)
    (result,) = restore(town, version, chosen=lambda step: step.act == "delete")
    assert result.outcome == "failed"
    assert [item.name for item in town.management.queues(town.vhost) if item.name == "extra"]
    (result,) = restore(town, version, chosen=lambda step: step.act == "delete", even_full=True)
    assert result.outcome == "done"
    assert not [item.name for item in town.management.queues(town.vhost) if item.name == "extra"]


def test_a_queue_with_other_arguments_is_a_conflict_and_stays(town: Town) -> None:
    version = kept()
    town.management.delete_queue(town.vhost, HARD[1])
    town.management.declare_queue(town.vhost, HARD[1], arguments={"x-max-length": 6})
    steps = restoring.steps("default", of(version), scope=Scope(vhost=town.vhost))
    (conflict,) = [step for step in steps if step.key.kind == kinds.QUEUE]
    assert conflict.act == "conflict"
    assert conflict.changes[0].path == ("arguments", "x-max-length")
    with pytest.raises(restoring.Refusal):
        restore(town, version, chosen={conflict.id})


def test_what_changed_since_it_was_ticked_is_not_done(town: Town) -> None:
    version = kept()
    town.management.set_policy(town.vhost, "limits", "^a", {"max-length": 1})
    (step,) = restoring.steps("default", of(version), scope=Scope(vhost=town.vhost))
    town.management.set_policy(town.vhost, "limits", "^b", {"max-length": 1})
    with pytest.raises(restoring.Refusal):
        restore(town, version, chosen={step.id})


def test_extra_bindings_and_topic_permissions_are_deleted_alone(town: Town) -> None:
    before = town.objects()
    version = kept()
    town.management.bind(town.vhost, "orders", "orders", "b", arguments={"more": True})
    more = {"exchange": "orders", "write": "", "read": ""}
    town.call("PUT", "topic-permissions", town.vhost, town.user, body=more)
    results = restore(town, version, chosen=lambda step: step.act == "delete")
    assert {(item.step.key.kind, item.outcome) for item in results} == {
        ("binding", "done"),
        ("topic_permission", "done"),
    }
    assert town.objects() == before


def test_a_user_who_is_there_keeps_the_password_and_mqadmins_own_is_left_alone(town: Town) -> None:
    version = kept()
    key = next(key for key in town.objects() if key.kind == kinds.USER)
    town.management.create_user(town.user, "another", tags=["policymaker"])
    now = town.objects()[key]["password_hash"]
    (result,) = carried_out(
        restoring.start(
            broker="default", wanted=of(version), chosen=all_that_can, by=ANN, scope=Scope(object_id=key.id)
        )
    )
    assert result.outcome == "done"
    assert town.objects()[key]["password_hash"] == now
    assert town.objects()[key]["tags"] == ["management"]
    own = kinds.Key(kinds.USER, "", (town.management.config.auth()[0],))
    wanted = Wanted({key: body for key, body in of(version).objects.items() if key != own}, "a file")
    (step,) = restoring.steps("default", wanted, scope=Scope(object_id=own.id))
    assert (step.act, step.why) == ("blocked", "own_user")


def test_no_secret_is_kept_or_exported(town: Town) -> None:
    kept()
    hashes = [
        body["password_hash"] for key, body in asking.live("default").objects.items() if key.kind == "user"
    ]
    hashes = [told for told in hashes if told]
    assert hashes
    objects = [versions.objects(version) for version in Version.objects.all()]
    exported = sources.exported(sources.now("default"))
    for text in (str(objects), str(exported), str(list(Version.objects.values()))):
        assert not any(told in text for told in hashes)
    assert Part.objects.exists()
    assert not any("password_hash" in user for user in exported["users"])
