"""Masked fields in messages that are looked at in their queues: who may not reveal them there sees none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from django.conf import settings

from mqadmin.core.rights import naming
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Queue
from mqadmin.rabbit.message import Properties
from mqadmin.rabbit.types import PeekedMessage


def hide(queue: Queue, item: PeekedMessage) -> PeekedMessage:
    """Return a message of a queue without what is hidden from who asks. Of a body that was cut not all is known: it
    is hidden as a whole where a rule is about bodies."""
    if not settings.MQADMIN_MASKED or naming.reveals(queue.broker.slug, queue.vhost, queue.name):
        return item
    described = item.message.properties.to_json()
    headers = described.pop("headers", {})
    letter = DeadLetter(body=item.message.body, source_queue=queue.name)
    letter.properties, letter.headers = cast(Any, described), headers
    if not masking.hide(letter):
        return item
    properties = Properties.from_json({**letter.properties, "headers": letter.headers})
    message = replace(item.message, body=bytes(letter.body), properties=properties)
    return replace(item, message=message)
