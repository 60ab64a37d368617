"""Replaying a record: its message is published to its queue once more, confirmed."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from consumers.models import Record
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose
from mqadmin.queues.acts import destination
from mqadmin.queues.models import Queue
from mqadmin.rabbit import clean_copy
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.headers import ORIGIN_EXCHANGE, ORIGIN_ROUTING_KEY, REQUEUE_ID
from mqadmin.rabbit.message import Properties, from_json
from mqadmin.rabbit.publishing.publisher import Outgoing, Receipt
from mqadmin.telemetry import publishing

_NO_ANSWER = ("blocked", "timed_out", "connection_lost")  # of the broker's trouble, not of the message


class NotRequeued(Refusal):
    """The message was not published again, and why."""


def why_not(record: Record) -> str:
    """Return why this record's message cannot be published again, "" when it can."""
    if record.body is None:
        return _("Its body was not kept: see “Keep bodies” in the consumer's settings.")
    if record.body_truncated:
        return _("Only the first part of its body was kept.")
    if record.properties is None:
        return _("Its properties were not kept.")
    return ""


def requeue(*, record: Record, by: Actor, keep_headers: bool = False, allow_loss: bool = False) -> Receipt:
    """Publish the recorded message to its queue again, confirmed. The record stays as it is.

    `keep_headers`: also what another framework wrote into its headers when it gave the message up.
    `allow_loss`: also where the queue would drop it, or another for it. The copy goes through the default exchange,
    so no other queue gets it, and counts as a first attempt. Raises NotRequeued with the reason: not wholly stored,
    not routed, or refused; Refusal (409) where something would be lost; NoResponse when the broker did
    not answer: then nothing was published, or the sentence says that it is not known.
    """
    consumer = record.consumer
    permissions.require(consumer.broker, consumer.vhost, record.queue)  # it may have had another queue then
    with audit.act(
        by=by,
        action="record.requeue",
        broker=consumer.broker,
        target=f"{consumer.vhost}:{record.queue}",
        count=1,
        detail={
            "record": record.pk,
            "message_id": record.message_id,
            **({"keep_headers": True} if keep_headers else {}),
            **({"allow_loss": True} if allow_loss else {}),
        },
    ) as entry:
        reason = why_not(record)
        if reason:
            raise NotRequeued(reason, "not_stored")
        destination.require_room(
            broker=consumer.broker,
            vhost=consumer.vhost,
            queue=record.queue,
            size=len(record.body or b""),
            allow_loss=allow_loss,
            fields=(),
        )
        requeue_id = uuid.uuid4().hex
        username = brokers.config(consumer.broker).username
        outgoing = copy_of(record, requeue_id=requeue_id, username=username, keep_headers=keep_headers)
        entry.detail["requeue_id"] = requeue_id
        traced = publishing.begin(
            "requeue", record.queue, published=[outgoing.properties.headers], mqadmin__requeue__id=requeue_id
        )
        publisher = brokers.publisher(consumer.broker, consumer.vhost)
        receipt = publisher.publish_batch([outgoing])[0]
        if traced is not None:
            traced.end("" if receipt.ok else receipt.reason)
        if receipt.ok:
            return receipt
        if receipt.unknown or receipt.reason in _NO_ANSWER:
            raise NoResponse(receipt.detail or receipt.reason, code=receipt.reason)
        raise NotRequeued(receipt.detail or receipt.reason, receipt.reason)


def would_lose(record: Record) -> str:
    """Return what a replay would lose, by what the monitor saw of its queue last; "" for nothing that is known."""
    consumer = record.consumer
    rows = Queue.objects.filter(broker__slug=consumer.broker, vhost=consumer.vhost, name=record.queue)
    queue = rows.filter(gone_at=None).first()
    return prose.paragraph(destination.sampled(queue, 1, record.size).loses) if queue else ""


def left_behind(record: Record) -> dict[str, list[str]]:
    """Return the names of the headers that do not go with a replay, by who wrote them; none where they cannot be
    read."""
    try:
        headers = from_json(record.headers) or {}
    except ValueError:
        return {}
    return clean_copy.left_behind(headers, clean_copy.requeue(headers))


def copy_of(record: Record, *, requeue_id: str, username: str, keep_headers: bool = False) -> Outgoing:
    """Return the message as it is published again, by `username`: as a requeued letter is.

    Raises NotRequeued when the stored form cannot be read.
    """
    try:
        headers: dict[str, Any] = from_json(record.headers) or {}
        stored = {name: value for name, value in (record.properties or {}).items() if name != "headers"}
        properties = Properties.from_json(stored)
    except ValueError as error:
        raise NotRequeued(_("The stored message cannot be read: %s") % error, "unreadable") from error
    purpose = clean_copy.requeue(headers, keep=keep_headers)
    kept = purpose.headers(headers)
    kept[ORIGIN_EXCHANGE], kept[ORIGIN_ROUTING_KEY] = record.exchange, record.routing_key
    kept[REQUEUE_ID] = requeue_id
    return Outgoing(
        exchange="",
        routing_key=record.queue,
        body=bytes(record.body or b""),
        properties=purpose.properties(properties, kept, username=username),
    )
