"""Operations through the API."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from mqadmin.core.models import AuditEntry, Operation


def test_operations_are_listed_filtered_paged_and_read(call: Any) -> None:
    made = [
        Operation.objects.create(
            kind="dead_letters.requeue",
            created_by="ann",
            status=status,
            total=4,
            done=2,
            started_at=timezone.now(),
        )
        for status in ("done", "running", "done")
    ]
    made[1].problems.create(target="7", reason="no queue is bound")
    status, page = call("viewer", "get", "/operations", status="done", limit=1)
    assert (status, page["total"], [item["id"] for item in page["items"]]) == (200, 2, [made[2].pk])
    status, rest = call("viewer", "get", "/operations", status="done", limit=1, cursor=page["next"])
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([made[0].pk], None)
    status, one = call("viewer", "get", f"/operations/{made[1].pk}")
    assert one["problems"] == [{"target": "7", "reason": "no queue is bound"}]
    assert one["eta_seconds"] is not None
    expected = {"id", "kind", "status", "total", "done", "failed", "rate", "eta_seconds", "created_by"}
    assert expected | {"created_at", "finished_at", "problems"} <= set(one)


def test_an_operation_is_changed_by_an_operator_only_and_audited(call: Any) -> None:
    operation = Operation.objects.create(kind="test", created_by="ann", status="running")
    path = f"/operations/{operation.pk}/cancel"
    assert call("viewer", "post", path)[0] == 403
    assert call("operator", "post", path)[1]["status"] == "cancelled"
    status, body = call("operator", "post", path)
    assert (status, body["code"]) == (409, "wrong_state")
    entries = AuditEntry.objects.order_by("id")
    assert [(item.actor, item.via, item.outcome) for item in entries] == [
        ("operator", "api", "done"),
        ("operator", "api", "refused"),
    ]
