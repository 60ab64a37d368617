"""Masked fields in the records of consumers: who may not reveal them there sees none in body, headers and texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consumers.models import Record
from consumers.records.masks import RecordMask
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.rabbit.headers import TRACEPARENT


def hide(record: Record) -> None:
    """Hide the values in this object, which must not be saved.

    Where the part of the message that a rule is about was not kept, nobody knows what the texts repeat: they are
    hidden as a whole.
    """
    names, paths = masking.rules()
    hidden: list[Any] = []
    if (names and record.headers is None) or (paths and record.body is None):
        hidden.append(masking.UNREAD)
    message = DeadLetter(body=bytes(record.body or b""), source_queue=record.queue)
    message.headers, message.properties = record.headers or {}, record.properties or {}
    masking.hide(message, hidden)
    if not hidden:
        return
    if record.headers is not None:
        record.headers = message.headers
    if record.properties is not None:
        record.properties = message.properties
    if record.body is not None:
        record.body = message.body
    record.traceback = masking.without(record.traceback, hidden)
    record.log = [
        [offset, level, masking.without(str(text), hidden)] for offset, level, text in record.log or ()
    ]
    _hide_texts(record, hidden)


def _hide_texts(record: Record, hidden: Sequence[Any] = (masking.UNREAD,)) -> None:
    record.error = masking.without(record.error, hidden)
    record.detail = masking.without(record.detail, hidden)


def _hides_trace() -> bool:
    return masking.is_refused("headers", [TRACEPARENT])


MASK = RecordMask(hide, _hide_texts, masking.hides, _hides_trace)
