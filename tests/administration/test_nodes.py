"""Nodes, feature flags, what holds before a stop and an upgrade: pages and calls, on a real broker."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pika
import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.administration.flags import acts as flag_acts
from mqadmin.administration.members import acts as member_acts
from mqadmin.administration.nodes import acts
from mqadmin.core import brokers
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.administration import checks, flags, nodes, upkeep
from mqadmin.rabbit.upkeep.finding import Finding
from tests.administration.conftest import HARD
from tests.support.management import Management
from tests.support.pages import html
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
ANN = Actor("ann")


def at(view: str, **names: str) -> str:
    return f"{reverse(view)}?{urlencode(names)}"


@pytest.fixture
def node(management: Management) -> str:
    """The name of the broker's only node."""
    return management.overview().node


def has_version(management: Management, least: tuple[int, int]) -> bool:
    major, minor, *_rest = management.overview().version.split(".")
    return (int(major), int(minor)) >= least


def codes(found: list[Finding]) -> dict[str, Finding]:
    return {item.code: item for item in found}


def test_a_node_tells_what_it_uses_and_where_it_listens(
    admin: Client, token: dict[str, str], management: Management, node: str
) -> None:
    (found,) = nodes.listed(management)
    assert (found.name, found.running, found.answers) == (node, True, True)
    assert found.version == management.overview().version
    assert found.mem_used
    assert sum(found.memory.values()) > 10_000_000
    assert "amqp" in {entry["protocol"] for entry in found.listeners}
    assert found.plugins
    assert found.log_files
    page = html(admin.get(at("node_detail", name=node)))
    for word in (
        "What its memory is used for",
        "Program code",
        "rabbitmq_management",
        found.log_files[0],
        "PLAIN",
    ):
        assert word in page
    assert node in html(admin.get(reverse("node_list")))
    (told,) = admin.get("/api/v1/nodes", headers=token).json()["items"]
    assert told["memory"].keys() == found.memory.keys()
    assert admin.get(at("node_detail", name="rabbit@nowhere")).status_code == 404


def test_the_only_node_is_not_safe_to_stop(
    admin: Client, token: dict[str, str], node: str, vhost: str
) -> None:
    page = html(admin.get(at("node_stopping", name=node)))
    assert "No, not now. It is the only node that runs" in page
    assert f"rabbitmqctl -n {node} shutdown" in page
    told = admin.get("/api/v1/nodes/stopping", {"node": node}, headers=token).json()
    assert (told["safe"], told["findings"][0]["code"]) == (False, "only_node")
    assert admin.get("/api/v1/nodes/stopping", {"node": "x"}, headers=token).status_code == 404
    assert admin.get(at("node_stopping", name="x")).status_code == 404


@pytest.mark.parametrize("name", HARD)
def test_what_would_be_lost_is_named_whatever_it_is_called(
    name: str, admin: Client, management: Management, node: str, vhost: str
) -> None:
    management.declare_queue(vhost, name)

    def is_found() -> bool:
        found = codes([item for item in upkeep.stops(management) if item.about == node])
        return "only_copy" in found

    wait_until(is_found)
    page = admin.get(at("node_stopping", name=node)).content.decode()
    assert "<script>alert" not in page
    assert html(admin.get(at("queue_members", vhost=vhost, name=name))).count("It has no members") == 1


def test_health_checks_answer_in_words(
    admin: Client, token: dict[str, str], management: Management, node: str
) -> None:
    found = {name: checks.run(management, name) for name in checks.CHECKS}
    assert found["alarms"].state == found["quorum_critical"].state == found["amqp"].state == checks.PASSED
    # RabbitMQ 4 has no mirrors, 3 no Khepri.
    is_four = has_version(management, (4, 0))
    assert (found["mirror_critical"].state == checks.ABSENT) is is_four
    assert (found["in_service"].state == checks.ABSENT) is not has_version(management, (4, 1))
    page = html(admin.get(reverse("node_checks")))
    assert "Every check passes that this version has." in page
    assert "this version of RabbitMQ has no such check" in page or has_version(management, (4, 3))
    told = admin.get("/api/v1/nodes/checks", headers=token).json()
    assert [item["name"] for item in told] == list(checks.CHECKS)


def test_the_cluster_is_balanced_named_and_its_statistics_begin_anew(
    admin: Client, token: dict[str, str], management: Management, node: str
) -> None:
    was = nodes.cluster_name(management)
    try:
        assert admin.post(reverse("cluster_rename"), {"name": HARD[3]}).status_code == 302
        assert nodes.cluster_name(management) == HARD[3]
        put = admin.put("/api/v1/cluster-name", {"name": was}, content_type="application/json", headers=token)
        assert put.status_code == 204, put.content
        assert nodes.cluster_name(management) == was
    finally:
        nodes.rename_cluster(management, was)
    entry = AuditEntry.objects.filter(action=acts.RENAME).order_by("pk")[0]
    assert entry.detail["was"] == {"name": was}
    assert admin.post(reverse("cluster_rename"), {"name": ""}).status_code == 422
    assert admin.post(reverse("cluster_rebalance")).status_code == 302
    assert admin.post(at("cluster_reset", name=node)).status_code == 302
    assert admin.post(at("cluster_reset", name="rabbit@nowhere")).status_code == 404
    posted = admin.post("/api/v1/nodes/rebalance", {}, content_type="application/json", headers=token)
    assert posted.status_code == 202
    assert admin.delete(f"/api/v1/nodes/statistics?node={node}", headers=token).status_code == 204
    outcomes = set(AuditEntry.objects.values_list("action", "outcome"))
    assert {(acts.REBALANCE, "done"), (acts.RESET, "done"), (acts.RESET, "refused")} <= outcomes


def test_an_act_on_production_wants_the_name_typed(
    admin: Client, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    for address, typed in (
        (reverse("cluster_rebalance"), "default"),
        (at("node_shrink", name=node), node),
        (reverse("flag_enable_all"), "default"),
    ):
        refused = admin.post(address, {"typed": "other"})
        assert refused.status_code == 200
        assert f"Type {typed} to go on" in html(refused)
    assert not AuditEntry.objects.exists()


def test_members_of_a_queue_are_kept_where_they_are_the_last(
    admin: Client, token: dict[str, str], management: Management, node: str, vhost: str
) -> None:
    name = HARD[0]
    management.declare_queue(vhost, name, arguments={"x-queue-type": "quorum"})
    management.declare_queue(vhost, "classic")
    names: dict[str, Any] = {"broker": "default", "by": ANN, "vhost": vhost, "node": node}
    for act, queue, code in (
        (member_acts.add, name, "exists"),
        (member_acts.remove, name, "last_member"),
        (member_acts.remove, "classic", "not_found"),
        (member_acts.add, "classic", "not_quorum"),
    ):
        with pytest.raises(Refusal) as caught:
            act(**names, name=queue)
        assert caught.value.code in (code, "not_quorum")
    with pytest.raises(Refusal) as caught:
        member_acts.add(**{**names, "node": "rabbit@nowhere"}, name=name)
    assert caught.value.status == 404
    page = html(admin.get(at("queue_members", vhost=vhost, name=name)))
    assert node in page
    assert "leads" in page
    assert admin.post(at("member_add", vhost=vhost, name=name), {"node": node}).status_code == 409
    assert admin.post(at("member_remove", vhost=vhost, name=name, node=node)).status_code == 409
    assert admin.get(at("queue_members", vhost=vhost, name="none")).status_code == 404

    shown = admin.post(at("node_grow", name=node), {**_grow(), "look": "1"})
    assert "queues get a member" in html(shown)
    assert "only member there" in html(admin.get(at("node_shrink", name=node)))
    bad = admin.post(at("node_grow", name=node), {**_grow(), "queue_pattern": "(", "look": "1"})
    assert "Not a pattern" in html(bad)
    body = {"node": node, "dry_run": True}
    told = admin.post("/api/v1/nodes/shrink", body, content_type="application/json", headers=token)
    assert told.json() == []


def test_members_on_a_node_grow_and_shrink_where_the_version_has_it(
    management: Management, node: str, vhost: str
) -> None:
    management.declare_queue(vhost, "orders", arguments={"x-queue-type": "quorum"})
    given: dict[str, Any] = {"broker": "default", "by": ANN, "node": node}
    if has_version(management, (4, 0)):
        assert member_acts.grow(**given, vhost_pattern=f"^{vhost}$") == []  # each has one there
        assert member_acts.shrink(**given) == []  # it is the only one of each
        assert management.queue(vhost, "orders").info.members == (node,)
    else:
        for act in (member_acts.grow, member_acts.shrink):
            with pytest.raises(Refusal) as caught:
                act(**given)
            assert caught.value.code == "not_offered"
            assert "its version has not" in caught.value.text


def test_feature_flags_say_what_they_are_and_are_enabled_once(
    admin: Client, token: dict[str, str], management: Management
) -> None:
    known = flags.listed(management)
    assert "quorum_queue" in {flag.name for flag in known}
    page = html(admin.get(reverse("flag_list")))
    assert "quorum_queue" in page
    assert "enabled" in page
    for name, status in (("quorum_queue", 409), ("<script>alert(1)</script>", 404), ("a/b", 404)):
        assert admin.get(at("flag_enable", name=name)).status_code == 200
        assert admin.post(at("flag_enable", name=name)).status_code == status
        call = admin.post(
            "/api/v1/feature-flags/enable", {"name": name}, content_type="application/json", headers=token
        )
        assert call.status_code == status
    if not flags.to_enable(known):
        with pytest.raises(Refusal) as caught:
            flag_acts.enable_all(broker="default", by=ANN)
        assert caught.value.code == "none"
    assert admin.get(reverse("flag_enable_all")).status_code == 200


def test_deprecated_features_are_told_where_the_version_has_them(
    admin: Client, token: dict[str, str], management: Management
) -> None:
    page = admin.get(reverse("deprecated_list"))
    assert page.status_code == 200
    told = admin.get("/api/v1/deprecated-features", headers=token)
    if has_version(management, (3, 13)):
        assert "mirrored classic queues" in html(page)
        assert "classic_queue_mirroring" in {item["name"] for item in told.json()["items"]}
    else:
        assert "from 3.13 on" in html(page)
        assert told.status_code == 503


def test_an_upgrade_is_judged_by_what_is_there(
    admin: Client, token: dict[str, str], management: Management, vhost: str
) -> None:
    """Mirrors, a transient queue and a shared prefetch on RabbitMQ 3; on 4 what of that there still can be."""
    is_three = not has_version(management, (4, 0))
    may_share = not has_version(management, (4, 3))
    if is_three:
        definition = {"pattern": "^mirrored", "definition": {"ha-mode": "all"}, "apply-to": "queues"}
        management.call("PUT", "policies", vhost, "mirrors", body=definition)
        management.declare_queue(vhost, "mirrored")
        management.declare_queue(vhost, "limitless", arguments={"x-queue-type": "quorum"})
    management.declare_queue(vhost, "lazy", arguments={"x-queue-mode": "lazy"})
    parameters = brokers.config("default").connection_parameters(vhost)
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        if may_share:
            management.declare_queue(vhost, "passing", durable=False)
            channel.basic_qos(prefetch_count=7, global_qos=True)
            channel.basic_consume("passing", lambda *_: None)
        expected = {"outdated_keys"}
        expected |= {"transient"} if may_share else set()
        expected |= {"mirrored", "limit_loses", "storage_one", "shared_prefetch"} if is_three else set()

        def are_found() -> bool:
            told = codes(upkeep.before_upgrade(management))
            names = {item["name"] for item in told["mirrored"].examples} if "mirrored" in told else set()
            return expected <= told.keys() and (not is_three or {"mirrors", "mirrored"} <= names)

        wait_until(are_found)
        found = codes(upkeep.before_upgrade(management))
        if may_share:
            assert "passing" in {item["name"] for item in found["transient"].examples}
        if is_three:
            assert vhost in {item["vhost"] for item in found["shared_prefetch"].examples}
            assert {"mirrors", "mirrored"} <= {item["name"] for item in found["mirrored"].examples}
            assert "limitless" in {item["name"] for item in found["limit_loses"].examples}
        page = html(admin.get(reverse("upgrade")))
        assert "Policies or queues are defined with what is not read any more" in page
        assert ("mirrors nothing" in page) is is_three
        told = admin.get("/api/v1/upgrade", headers=token).json()
        assert expected <= {item["code"] for item in told["items"]}
    finally:
        connection.close()


def _grow() -> dict[str, str]:
    return {"vhost_pattern": ".*", "queue_pattern": ".*", "strategy": "all"}
