"""One change for many letters, shown before it is done."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.deadletters.factories import died, letter
from tests.deadletters.views.conftest import page

pytestmark = [pytest.mark.broker, pytest.mark.any_version, pytest.mark.django_db(transaction=True)]


def test_what_a_bulk_edit_would_do_hides_what_is_hidden(settings: Any, admin: Client) -> None:
    settings.MQADMIN_MASKED = ["payload.card", "header.token"]
    one = letter(b'{"card": "4111", "to": "ann"}', headers={**died(), "token": "s3cret"})
    shown = page(admin, f"/dead-letters/edit/?ids={one.pk}&way=replace&find=ann&replace=ben")
    assert "−   &quot;to&quot;: &quot;ann&quot;" in shown
    assert "+   &quot;to&quot;: &quot;ben&quot;" in shown
    patch = '[{"op": "add", "path": "/headers/team", "value": 1}]'
    shown += admin.get(
        "/dead-letters/edit/", {"ids": one.pk, "way": "patch", "patch": patch}
    ).content.decode()
    assert "+   &quot;team&quot;: 1" in shown
    assert not any(secret in shown for secret in ("4111", "s3cret"))
