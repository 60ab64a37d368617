"""The audit log through the API."""

from __future__ import annotations

from typing import Any

from mqadmin.core.models import AuditEntry


def test_the_audit_log_is_filtered(call: Any) -> None:
    AuditEntry.objects.create(actor="ann", action="queue.purge", count=3)
    AuditEntry.objects.create(actor="bob", action="consumer.start")
    assert [item["actor"] for item in call("viewer", "get", "/audit", action="queue.")[1]["items"]] == ["ann"]
    assert call("viewer", "get", "/audit", actor="bob")[1]["total"] == 1
    assert call("viewer", "get", "/audit", since="2999-01-01T00:00:00Z")[1]["total"] == 0
