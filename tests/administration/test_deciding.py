"""What all dialogs before an act share: whose broker it is, what is shown before anything is done."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from tests.support.management import Management
from tests.support.pages import html

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("view", ["cluster_rename", "exchange_publish"])
def test_what_was_decided_for_one_broker_is_not_done_on_another(admin: Client, view: str) -> None:
    address = f"{reverse(view)}?{urlencode({'vhost': '/', 'name': 'amq.direct'})}"
    assert '<input type="hidden" name="broker" value="default">' in html(admin.get(address))
    form = {"name": "other", "body": "one", "encoding": "utf-8", "broker": "elsewhere"}
    refused = admin.post(address, form)
    assert refused.status_code == 409
    assert "decided on for the broker “elsewhere”" in html(refused)
    for method in (admin.get, admin.post):
        assert method(f"{address}&broker=elsewhere").status_code == 404
    assert not AuditEntry.objects.exists()


def test_what_an_act_touches_is_shown_before_its_name_is_typed(
    admin: Client, management: Management, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RABBITMQ_ENVIRONMENT", "production")
    brokers.forget()
    address = f"{reverse('node_grow')}?{urlencode({'name': management.overview().node})}"
    form = {"vhost_pattern": "none", "queue_pattern": "none", "strategy": "all"}
    looked = html(admin.post(address, {**form, "look": "1"}))
    assert "queues get a member" in looked
    assert "This is a production broker" in looked
    assert "Type the name exactly" not in looked
    refused = html(admin.post(address, form))
    assert "Type the name exactly" in refused
    assert "queues get a member" not in refused
    unusable = admin.post(address, {**form, "queue_pattern": "", "look": "1"})
    assert unusable.status_code == 422
    assert "A name is needed" in html(unusable)
    assert "queues get a member" not in html(unusable)
    assert not AuditEntry.objects.exists()
