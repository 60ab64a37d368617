"""The body of a letter as a file."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mqadmin.core.models import AuditEntry
from tests.deadletters.factories import letter
from tests.deadletters.views.conftest import client_of, page

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


def test_a_body_with_hidden_values_is_downloaded_by_who_may_see_them(settings: Any, admin: Client) -> None:
    settings.MQADMIN_MASKED = ["payload.card"]
    one = letter(b'{"card": "4111"}')
    other = letter(b'{"n": 1}')
    viewer = client_of("viewer")
    assert viewer.get(f"/dead-letters/{one.pk}/body/").status_code == 403
    assert viewer.get(f"/dead-letters/{other.pk}/body/").content == b'{"n": 1}'
    assert "34 31 31 31" not in page(viewer, f"/dead-letters/{one.pk}/?tab=hex")
    assert not AuditEntry.objects.filter(action="dead_letters.reveal").exists()
    assert admin.get(f"/dead-letters/{one.pk}/body/").content == b'{"card": "4111"}'
    assert AuditEntry.objects.get(action="dead_letters.reveal").detail["to"] == "download"
