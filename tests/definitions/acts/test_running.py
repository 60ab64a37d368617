"""A restore in a worker's hands: killed, cancelled, beside another one and beside people who change the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.definitions.acts import doing, restoring, running, sources
from mqadmin.definitions.acts.planning import Scope, Step
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.keeping import asking, versions, who
from mqadmin.definitions.models import RestoreStep, Version
from mqadmin.rabbit.config import BrokerConfig
from tests.definitions.conftest import HARD, Town, carried_out
from tests.support.processes import killed_at
from tests.support.waiting import patient

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN, BOB = Actor("ann"), Actor("bob")


def kept() -> Version:
    made = asking.look("default") or versions.newest("default")
    assert made is not None
    return made


def begun(town: Town, wanted: Wanted, by: Actor = ANN, even_full: bool = False) -> Operation:
    return restoring.start(
        broker="default",
        wanted=wanted,
        chosen=lambda step: step.can_be_done,
        by=by,
        scope=Scope(vhost=town.vhost),
        even_full=even_full,
    )


def many(town: Town, count: int) -> Version:
    """Keep a version with so many queues and bindings more, and delete them."""
    queues = [
        {"vhost": town.vhost, "name": f"q{n}", "durable": True, "auto_delete": False, "arguments": {}}
        for n in range(count)
    ]
    to = {"vhost": town.vhost, "source": "amq.fanout", "destination_type": "queue", "routing_key": ""}
    bindings = [{**to, "destination": f"q{n}", "arguments": {}} for n in range(count)]
    town.call("POST", "definitions", body={"queues": queues, "bindings": bindings})
    version = kept()
    town.management.delete_vhost(town.vhost)
    return version


def of(version: Version) -> Wanted:
    return Wanted(versions.objects(version), f"version {version.pk}")


def outcomes(operation: Operation) -> set[str]:
    rows = RestoreStep.objects.filter(operation=operation).order_by()
    return set(rows.values_list("outcome", flat=True))


@pytest.mark.processes
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_killed_in_the_middle_is_gone_on_for(
    town: Town, process_environ: dict[str, str], when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second ends with the same result, whether the broker had the last batch already or not."""
    before = town.objects()
    version = many(town, 90)
    kept()
    before |= {key: body for key, body in of(version).objects.items() if key.vhost == town.vhost}
    operation = begun(town, of(version))
    command = f"from mqadmin.core.acts import operations; operations.execute({operation.pk})"
    target = "mqadmin.rabbit.administration.definitions:DefinitionsClient.load"
    with killed_at(process_environ, target, when, 8, "shell", "--command", command) as died:
        assert died.wait(patient(60)) == -9
    assert {"", "sent"} <= outcomes(operation)
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)  # the dead one's runs out
    found = carried_out(operation)
    assert {item.outcome for item in found} == {"done"}
    operation.refresh_from_db()
    assert (operation.done, operation.failed) == (operation.total, 0) == (len(found), 0)
    after = {key: body for key, body in town.objects().items() if key.kind != kinds.USER}
    assert after == {key: body for key, body in before.items() if key.kind != kinds.USER}
    entry = AuditEntry.objects.get(action="definitions.restore")
    assert (entry.detail["operation"], entry.count, entry.outcome) == (operation.pk, operation.total, "done")
    newest = versions.newest("default")
    assert newest is not None
    assert [item["actor"] for item in newest.who] == ["ann"]


def test_cancelled_it_leaves_the_rest_as_it_was(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    version = many(town, 10)
    operation = begun(town, of(version))
    made = doing.made

    def cancelling(*given: object) -> doing.Faults:
        faults = made(*given)  # type: ignore[arg-type]
        if {step.key.kind for step in given[-1]} == {kinds.EXCHANGE}:  # type: ignore[attr-defined]
            operations.cancel(operation=operation, by=ANN)
        return faults

    monkeypatch.setattr(running.doing, "made", cancelling)
    assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "cancelled"
    assert outcomes(operation) == {"done", ""}
    assert operation.done == RestoreStep.objects.filter(operation=operation, outcome="done").count()
    assert town.management.queues(town.vhost) == []
    assert "orders" in [item.name for item in town.management.exchanges(town.vhost)]


def test_two_people_do_not_restore_at_once(town: Town) -> None:
    version = kept()
    town.management.delete_queue(town.vhost, HARD[1])
    first = begun(town, of(version))
    with pytest.raises(Refusal, match="Another restore of this broker") as refused:
        begun(town, of(version), by=BOB)
    assert refused.value.code == "under_way"
    assert {item.outcome for item in carried_out(first)} == {"done"}
    with pytest.raises(Refusal, match="Nothing of what was chosen"):
        begun(town, of(version), by=BOB)
    told = AuditEntry.objects.filter(action="definitions.restore").values_list("actor", "outcome")
    assert sorted(told) == [("ann", "done"), ("bob", "refused"), ("bob", "refused")]


def test_what_somebody_changed_meanwhile_is_left_alone(town: Town) -> None:
    version = kept()
    for name in ("limits", "more"):
        town.management.set_policy(town.vhost, name, "^a", {"max-length": 1})
    town.management.delete_queue(town.vhost, HARD[2])
    operation = begun(town, of(version))
    town.management.set_policy(town.vhost, "limits", "^b", {"max-length": 2})
    town.management.declare_queue(town.vhost, HARD[2], arguments={"x-max-length": 5})
    found = {(item.step.key.kind, item.step.act): item for item in carried_out(operation)}
    assert found["policy", "change"].outcome == "changed"
    assert found["policy", "delete"].outcome == "done"
    assert found["queue", "create"].outcome == "done"  # it is as it should be, whoever made it
    assert found["binding", "create"].outcome == "done"
    (policy,) = town.management.policies(town.vhost)
    assert (policy.name, policy.pattern) == ("limits", "^b")
    operation.refresh_from_db()
    assert (operation.done, operation.failed) == (3, 1)
    assert [problem.target for problem in operation.problems.all()] == [f"policy {town.vhost} limits"]


def test_a_broker_that_is_away_is_waited_for(
    town: Town, config: BrokerConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = kept()
    town.management.delete_queue(town.vhost, HARD[0])
    operation = begun(town, of(version))
    away = replace(config, management_url="http://nobody:wrong@127.0.0.1:1/")
    with monkeypatch.context() as patched:
        patched.setattr(brokers, "config", lambda _slug: away)
        patched.setattr(asking, "_clients", {})
        assert operations.execute(operation.pk)
    operation.refresh_from_db()
    assert operation.status == "pending"
    assert "127.0.0.1:1" in operation.error
    assert "wrong" not in operation.error
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    assert {item.outcome for item in carried_out(operation)} == {"done"}
    assert HARD[0] in [item.name for item in town.management.queues(town.vhost)]


def test_a_secret_of_a_file_reaches_the_broker_and_no_table(town: Town) -> None:
    """Users with a password, and addresses with one, are made before the worker has anything to do with it."""
    told = dict(sources.exported(sources.now("default"), vhost=town.vhost))
    value = {
        "src-protocol": "amqp091",
        "src-uri": "amqp://joe:hunter4secret@127.0.0.1:1",
        "src-queue": "a",
        "dest-protocol": "amqp091",
        "dest-uri": "amqp://127.0.0.1:1",
        "dest-queue": "b",
    }
    shovel = {"vhost": town.vhost, "component": "shovel", "name": "s", "value": value}
    told["parameters"] = [*told["parameters"], shovel]
    told["users"] = [{"name": town.user, "password": "hunter5secret", "tags": ["management"]}]
    town.wreck()
    wanted = Wanted(sources.of_document(told).objects, "file x")
    operation = restoring.start(
        broker="default",
        wanted=wanted,
        by=ANN,
        chosen=lambda step: (
            step.act in ("create", "change")
            and (step.key.vhost == town.vhost or step.key.parts[0] == town.user)
        ),
    )
    text = str(list(RestoreStep.objects.values())) + str(list(Operation.objects.values()))
    assert "hunter" not in text
    assert secret.SHOWN in text
    by_kind = {item.step.key.kind: item.outcome for item in carried_out(operation)}
    assert by_kind[kinds.USER] == by_kind[kinds.PARAMETER] == by_kind[kinds.PERMISSION] == "done"
    there = asking.live("default").objects
    assert (
        there[kinds.Key(kinds.PARAMETER, town.vhost, ("shovel", "s"))]["value"]["src-uri"] == value["src-uri"]
    )
    assert there[kinds.Key(kinds.USER, "", (town.user,))]["password_hash"]
    town.call("DELETE", "parameters", "shovel", town.vhost, "s")


def test_topic_permissions_that_stay_outlive_a_worker(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """The management API takes all of a user at once: those that stay are noted before, and given back after."""
    version = kept()
    before = town.objects()
    more = {"exchange": "orders", "write": "", "read": ""}
    town.call("PUT", "topic-permissions", town.vhost, town.user, body=more)
    operation = begun(town, of(version))
    delete = doing.deleted

    def dying(*given: object) -> doing.Faults:
        delete(*given)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(running.doing, "deleted", dying)
        with pytest.raises(KeyboardInterrupt):
            operations.execute(operation.pk)
    assert [key for key in before if key.kind == kinds.TOPIC_PERMISSION]
    assert not [key for key in town.objects() if key.kind == kinds.TOPIC_PERMISSION]
    Operation.objects.filter(pk=operation.pk).update(lease_until=None)
    assert {item.outcome for item in carried_out(operation)} == {"done"}
    assert town.objects() == before


def test_what_was_restored_is_of_who_restored_it_and_what_went_before_is_not(town: Town) -> None:
    """Within the seconds that an act of the audit log may be late."""
    version = kept()
    town.management.delete_queue(town.vhost, HARD[1])
    lost = kept()
    carried_out(begun(town, of(version)))
    back = versions.newest("default")
    assert back is not None
    for made, is_gone in ((lost, True), (back, False)):
        traces = who.traces("default", made.since, made.at)
        deed = traces.of(kinds.Key(kinds.QUEUE, town.vhost, (HARD[1],)), is_gone=is_gone)
        assert (deed is not None and deed.actor == "ann") is not is_gone


def steps_of(operation: Operation) -> list[Step]:
    return [running.steps.of(row) for row in RestoreStep.objects.filter(operation=operation)]


def test_a_step_comes_back_from_its_row_as_it_was(town: Town) -> None:
    version = many(town, 2)
    planned = restoring.steps("default", of(version), scope=Scope(vhost=town.vhost))
    operation = begun(town, of(version))
    assert {step.id for step in steps_of(operation)} == {step.id for step in planned if step.can_be_done}
