"""A whole broker comes back: from an export with hashes all of it is equal, from a version all but what is
secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.definitions.acts import exporting, restoring, sources
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.keeping import asking, versions
from mqadmin.local.node import Node
from tests.definitions.conftest import Town, build, carried_out
from tests.support.management import Management

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
SHOVEL = {"src-protocol": "amqp091", "src-uri": "amqp://joe:hunter4secret@127.0.0.1:1", "src-queue": "a"}
SHOVEL |= {"dest-protocol": "amqp091", "dest-uri": "amqp://127.0.0.1:1", "dest-queue": "b"}


@pytest.fixture
def whole(restartable_broker: Node, monkeypatch: pytest.MonkeyPatch, db: None) -> Iterator[Town]:
    """A broker of the test's own, with one of everything in a virtual host that is hard to address."""
    monkeypatch.setenv("RABBITMQ_URL", restartable_broker.amqp_url)
    monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", restartable_broker.management_url)
    brokers.forget()
    management = Management(brokers.config("default"))
    town = Town("all/%2F \u202e", "ann <b>", management)
    management.create_vhost(town.vhost)
    build(town)
    management.delete_queue(town.vhost, "passing")  # comes and goes with clients: neither kept nor restored
    town.call("PUT", "parameters", "shovel", town.vhost, "s", body={"value": SHOVEL})
    town.call("PUT", "global-parameters", "g", body={"value": {"a": 1}})
    yield town
    wreck(town)
    management.close()


def wreck(town: Town) -> None:
    """Delete the virtual host, the user and the global parameter, where they are."""
    client = asking.client("default")
    for what in (("vhosts", town.vhost), ("users", town.user), ("global-parameters", "g")):
        client.delete(*what)


def told() -> dict[str, Any]:
    """What the broker exports, in an order of our own."""
    found = asking.client("default").export().document or {}
    return {
        name: sorted(json.dumps(item, sort_keys=True) for item in items) if isinstance(items, list) else items
        for name, items in found.items()
    }


def brought_back(wanted: Wanted) -> set[str]:
    """Restore all that can be created; return what became of the objects."""
    operation = restoring.start(
        broker="default", wanted=wanted, chosen=lambda step: step.act in ("create", "change"), by=Actor("ann")
    )
    return {item.outcome for item in carried_out(operation)}


def test_an_export_with_hashes_brings_all_back_equal(whole: Town) -> None:
    before = told()
    document = exporting.with_secrets(broker="default", vhost=None, by=Actor("ann"))
    wreck(whole)
    assert told() != before
    assert brought_back(Wanted(sources.of_document(document).objects, "file all.json")) == {"done"}
    assert told() == before


def test_a_version_brings_all_back_but_what_is_secret(whole: Town) -> None:
    before = told()
    version = asking.look("default") or versions.newest("default")
    assert version is not None
    wreck(whole)
    wanted = Wanted(versions.objects(version), "version 1")
    steps = restoring.steps("default", wanted)
    assert [(step.key.kind, step.why) for step in steps if not step.can_be_done] == [
        (kinds.PARAMETER, "secret")
    ]
    assert brought_back(wanted) == {"done"}
    after = told()
    assert {name for name in before if before[name] != after[name]} == {"users", "parameters"}
    (user,) = (json.loads(item) for item in set(after["users"]) - set(before["users"]))
    (was,) = (json.loads(item) for item in set(before["users"]) - set(after["users"]))
    assert user == {**was, "password_hash": ""}
    assert set(after["parameters"]) < set(before["parameters"])
