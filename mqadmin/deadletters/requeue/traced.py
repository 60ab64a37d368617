"""A requeue as spans: one of the operation, below it one of each batch, linked to the traces of its letters.

A letter's copy is published as it was: its `traceparent` stays, so that whoever handles it goes on in its trace.
Of a million letters there are as many spans as batches, each with a bounded number of links.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mqadmin.core.acts.operations import Run
from mqadmin.deadletters.requeue.copies import Claimed
from mqadmin.rabbit.headers import TRACEPARENT
from mqadmin.rabbit.message import from_json
from mqadmin.telemetry import publishing
from mqadmin.telemetry.publishing import Publishing


def operation(run: Run) -> Publishing | None:
    """Begin the span of an operation that is carried out, once more perhaps."""
    return publishing.begin("requeue", run.operation.broker, mqadmin__operation__id=run.operation.pk)


def batch(letters: Sequence[Claimed], within: Publishing | None) -> Publishing | None:
    """Begin the span of a batch."""
    if within is None:
        return None
    return publishing.begin(
        "requeue",
        "batch",
        parent=within,
        published=_headers(letters),
        messaging__batch__message_count=len(letters),
    )


def _headers(letters: Sequence[Claimed]) -> Iterator[Mapping[str, Any]]:
    for letter in letters:
        if TRACEPARENT in letter.headers:  # of ours the name ends so as well
            try:
                yield from_json(json.loads(letter.headers))
            except ValueError:  # such a letter stays, and the requeue says why
                continue
