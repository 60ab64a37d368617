"""The pages of definitions on a real broker: kept, compared, and a wrecked broker brought back by the page."""

from __future__ import annotations

import io
import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core.acts import operations
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.keeping import asking, versions
from mqadmin.definitions.models import Version
from tests.core.conftest import SignIn, sign_in  # noqa: F401
from tests.definitions.conftest import HARD, Town
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]
TICKED = re.compile(r'name="step" value="(\w+)"[^>]*? checked')


@pytest.fixture
def admin(sign_in: SignIn) -> Client:  # noqa: F811
    return sign_in("admin")


def followed(client: Client, answer: object) -> str:
    """Carry out the restore that a POST began, and return the page that it leads to."""
    assert getattr(answer, "status_code", 0) == 302
    operation = Operation.objects.get(kind="definitions.restore", status="pending")
    page = getattr(answer, "url", "")
    assert page == reverse("definitions_restored", args=[operation.pk])
    assert "waits" in html(client.get(page))
    assert operations.execute(operation.pk)
    return html(client.get(page))


def kept() -> Version:
    made = asking.look("default") or versions.newest("default")
    assert made is not None
    return made


def test_a_wrecked_broker_comes_back_from_the_page(town: Town, admin: Client) -> None:
    before = {key: body for key, body in town.objects().items() if key.kind != kinds.USER}
    version = kept()
    town.management.delete_vhost(town.vhost)
    kept()
    town.management.create_vhost(town.vhost)
    town.management.set_policy(town.vhost, "limits", "^other", {"max-length": 1})
    address = reverse("definitions_restore", args=[version.pk])
    plan = admin.get(address, {"vhost": town.vhost})
    page = html(plan)
    assert plan.status_code == 200
    assert "&lt;script&gt;" in page
    assert "<script>'" not in page
    assert "max-length: 1 → 10" in page
    data = {"vhost": town.vhost, "step": TICKED.findall(page), "typed": "default"}
    done = followed(admin, admin.post(address, data))
    assert f"{len(data['step'])} objects are as they should be" in done
    assert "<script>'" not in done
    after = {key: body for key, body in town.objects().items() if key.kind != kinds.USER}
    added = after.keys() - before.keys()
    assert after == before, added
    assert AuditEntry.objects.filter(action="definitions.restore", outcome="done").count() == 1


def test_a_version_says_what_changed_in_it_and_who_did_it(town: Town, admin: Client) -> None:
    kept()
    AuditEntry.objects.create(
        actor="berta", action="policy.set", broker="default", target=f"{town.vhost}:limits", outcome="done"
    )
    town.management.set_policy(town.vhost, "limits", "^orders", {"max-length": 11}, priority=3)
    town.management.declare_queue(town.vhost, "new one")
    version = kept()
    # Of ours alone: others change the same broker at the same time.
    page = html(admin.get(reverse("definitions_version", args=[version.pk]), {"vhost": town.vhost}))
    assert "max-length: 10 → 11" in page
    assert "overflow: &quot;reject-publish&quot; → none" in page
    assert page.count("berta") == 1
    assert "new one" in page
    assert "not by mqadmin" in page
    assert reverse("definitions_version", args=[version.pk]) in html(admin.get(reverse("definitions_list")))


def test_two_moments_are_compared(town: Town, admin: Client) -> None:
    version = kept()
    town.management.delete_queue(town.vhost, HARD[2])
    asked = {"one": version.pk, "other": "now", "vhost": town.vhost}
    page = html(admin.get(reverse("definitions_compare"), asked))
    assert "2 gone" in page  # the queue, and its binding
    assert admin.get(reverse("definitions_compare"), {"one": "999999999"}).status_code == 404


def test_a_file_first_says_what_it_would_do(town: Town, admin: Client) -> None:
    told = json.loads(admin.get(reverse("definitions_download"), {"vhost": town.vhost}).content)
    town.management.delete_queue(town.vhost, HARD[3])
    address = reverse("definitions_import")

    def sent(**more: object) -> object:
        file = io.BytesIO(json.dumps(told).encode())
        file.name = "shop.json"
        return admin.post(address, {"file": file, "vhost": town.vhost, "broker": "default", **more})

    page = html(sent(check="1"))
    ticked = TICKED.findall(page)
    assert len(ticked) == 2
    names = [item.name for item in town.management.queues(town.vhost)]
    assert HARD[3] not in names
    assert "2 objects are as they should be" in followed(admin, sent(step=ticked))
    assert HARD[3] in [item.name for item in town.management.queues(town.vhost)]
    wrong = {"file": io.BytesIO(b"{"), "broker": "default", "check": "1"}
    assert admin.post(address, wrong).status_code == 422


def test_only_an_admin_gets_password_hashes_and_it_is_audited(town: Town, admin: Client) -> None:
    told = admin.post(reverse("definitions_download_all"), {"broker": "default"})
    user = next(user for user in json.loads(told.content)["users"] if user["name"] == town.user)
    assert len(user["password_hash"]) > 20
    assert AuditEntry.objects.filter(action="definitions.export", detail__secrets=True).count() == 1
    assert user["password_hash"] not in str(list(AuditEntry.objects.values()))
    plain = admin.get(reverse("definitions_download"))
    assert user["password_hash"].encode() not in plain.content


def test_on_production_the_name_is_typed(town: Town, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    version = kept()
    town.management.delete_queue(town.vhost, HARD[0])
    monkeypatch.setattr("mqadmin.definitions.views.restore.is_production", lambda _slug: True)
    address = reverse("definitions_restore", args=[version.pk])
    page = html(admin.get(address, {"vhost": town.vhost}))
    data = {"vhost": town.vhost, "step": TICKED.findall(page)}
    refused = admin.post(address, data)
    assert refused.status_code == 422
    assert "Type the name of the broker exactly." in html(refused)
    assert HARD[0] not in [item.name for item in town.management.queues(town.vhost)]
    followed(admin, admin.post(address, data | {"typed": "default"}))
    assert HARD[0] in [item.name for item in town.management.queues(town.vhost)]
