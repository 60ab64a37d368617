"""The API's call for brokers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema

from mqadmin.core import brokers
from mqadmin.core.api.plumbing import VIEW
from mqadmin.core.rights import naming
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import broker_status, broker_wording, rights, totals

router = Router(tags=["brokers and queues"], auth=VIEW.of("rows"))


class TotalsOut(Schema):
    """Sums over the whole broker; null is unknown, not 0. Rates are per second."""

    ready: int | None = None
    unacked: int | None = None
    publish_rate: float | None = None
    deliver_rate: float | None = None
    ack_rate: float | None = None


class BrokerNodeOut(Schema):
    """One node of the cluster; null is unknown. `partitions`: the nodes that it does not see."""

    name: str
    running: bool
    mem_alarm: bool | None = None
    disk_free_alarm: bool | None = None
    partitions: list[str] = []


class UnseenOut(Schema):
    """What is not seen: for a right that the broker's user lacks, with the command that would give it, or for
    another reason; then `cure` is empty."""

    code: Literal["no_permission", "no_monitoring", "statistics_off", "connections_unknown"]
    text: str
    cure: str


class BrokerReasonOut(Schema):
    """Something that is wrong with a broker, in a code with numbers and in words; `level` unknown: it may be."""

    code: str
    level: Literal["broken", "watch", "unknown"]
    params: dict[str, Any]
    since: datetime | None = None
    title: str
    text: str


class BrokerOut(Schema):
    """One configured broker as last seen. `reachable` null: not tried yet.

    `status`: ok; stale, when the monitor stopped sampling; down, when it does not answer; never, when it was not
    sampled yet. Numbers are those of `sampled_at`. `error_code` says in a word why it is down; `unseen`: what its
    user may not see while it is up. `metadata_store`: Khepri or Mnesia, "" where it is not known;
    `deprecated_features`: those in use, null where the broker does not say. `reasons`: what is wrong, the
    worst first.
    """

    slug: str
    status: Literal["ok", "stale", "down", "never"]
    reachable: bool | None
    error: str
    error_code: str
    rabbitmq_version: str
    erlang_version: str
    metadata_store: str
    deprecated_features: list[str] | None
    sampled_at: datetime | None
    totals: TotalsOut
    nodes: list[BrokerNodeOut]
    unseen: list[UnseenOut]
    reasons: list[BrokerReasonOut]


class BrokerList(Schema):
    items: list[BrokerOut]
    total: int
    next: str | None


@router.get("/brokers", response=BrokerList)
def broker_list(request: HttpRequest) -> dict[str, Any]:
    """List the configured brokers, in the order they are written.

    Where one's roles are for a part of a broker, its totals are sums over one's own queues, and it has no nodes.
    """
    rows = {row.slug: row for row in Broker.objects.all()}
    items = [_broker(rows.get(slug) or Broker(slug=slug)) for slug in brokers.configs()]
    return {"items": items, "total": len(items), "next": None}


def _broker(row: Broker) -> dict[str, Any]:
    return {
        "slug": row.slug,
        "status": broker_status.status_of(row.slug).level,
        "reachable": row.reachable,
        "error": row.error,
        "error_code": row.error_code,
        "rabbitmq_version": row.version,
        "erlang_version": row.traits.get("erlang", ""),
        "metadata_store": row.traits.get("metadata_store", ""),
        "deprecated_features": row.traits.get("deprecated"),
        "sampled_at": row.sampled_at,
        "totals": totals.of(row),
        "nodes": row.nodes if naming.holds("view", row.slug) else [],
        "reasons": [_reason(reason) for reason in broker_wording.theirs(row)],
        "unseen": [{"code": note.code, "text": note.text, "cure": note.cure} for note in rights.notes(row)],
    }


def _reason(reason: dict[str, Any]) -> dict[str, Any]:
    return {
        **reason,
        "since": datetime.fromtimestamp(reason["since"], UTC) if reason.get("since") else None,
        "title": broker_wording.told(reason).title,
        "text": broker_wording.text(reason),
    }
