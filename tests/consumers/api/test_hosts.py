"""Hosts through the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consumers.models import SupervisorHost
from tests.consumers.views.test_hosts import busy_host
from tests.support.consumers import make_supervisor

pytestmark = pytest.mark.django_db


def test_the_api_forgets_what_is_gone(api_of: Any) -> None:
    make_supervisor("app-1")
    admin = api_of("admin")
    assert admin.call("DELETE", "/hosts/app-1")[0] == 409
    SupervisorHost.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=12))
    assert api_of("operator").call("DELETE", "/hosts/app-1")[0] == 403
    assert admin.call("DELETE", "/hosts/app-1")[0] == 204
    assert admin.call("GET", "/hosts")[1]["total"] == 0
    assert admin.call("DELETE", "/hosts/app-1")[0] == 404


def test_the_api_lists_and_drains(api_of: Any) -> None:
    busy_host("app-1", 2, capacity=8, labels={"zone": "a"})
    admin = api_of("admin")

    status, body = admin.call("GET", "/hosts")
    (host,) = body["items"]
    assert (status, body["total"]) == (200, 1)
    wanted = {"name": "app-1", "processes": 2, "held": 2, "capacity": 8, "labels": {"zone": "a"}}
    assert wanted.items() <= host.items()
    assert (host["silent"], host["drained"]) == (False, False)

    assert admin.call("POST", "/hosts/app-1/drain")[1]["drained"] is True
    assert admin.call("POST", "/hosts/app-1/drain")[0] == 409
    assert admin.call("POST", "/hosts/app-1/undrain")[1]["drained"] is False
    assert admin.call("POST", "/hosts/nowhere/drain")[0] == 404
    assert api_of("operator").call("POST", "/hosts/app-1/drain")[0] == 403
