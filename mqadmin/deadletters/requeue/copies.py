"""What a requeue publishes: a letter without the traces of its death, under its claim's id.

Letters that died together have address and headers in common: what becomes of these is worked out once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import destinations
from mqadmin.deadletters.requeue.destinations import Address, To
from mqadmin.rabbit import clean_copy
from mqadmin.rabbit.clean_copy import REQUEUE, Purpose
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.message import Properties, from_json
from mqadmin.rabbit.publishing.publisher import Outgoing

_MOST_PLANS = 512
_LARGEST_HEADERS = 4_096  # characters of those that are remembered


class Claimed(NamedTuple):
    """A claimed letter as the database has it: of `COLUMNS`, and its requeue id; the JSON is not read yet."""

    id: int
    vhost: str
    dead_letter_queue: str
    return_queue: str
    source_exchange: str
    routing_keys: str
    properties: str
    headers: str
    original: str | None
    body: bytes
    requeue_id: str


COLUMNS = Claimed._fields[:-1]


@dataclass(frozen=True)
class _Plan:
    """What letters with one address and the same headers have in common; `problem`: they stay."""

    place: Address
    headers: Mapping[str, Any]
    problem: str = ""


class Copier:
    """Makes the copies of one operation. `broker`: where they go; `username`: of the connection that publishes;
    `keep_headers`: those of other frameworks go with the copies. One thread."""

    def __init__(self, to: To, *, broker: str, username: str, keep_headers: bool = False) -> None:
        self._to = to
        self._broker = broker
        self._username = username
        self._keep = keep_headers
        self._plans: dict[tuple[Any, ...], _Plan] = {}

    def copy(self, letter: Claimed) -> Outgoing:
        """Return the copy to publish. Raises Refusal when it has no destination, ValueError for what is stored
        in no form that was ever written."""
        edited = None if letter.original is None else self._purpose(json.loads(letter.original))
        key = (*letter[1:6], letter.headers, edited)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plan(letter, edited)
            if len(letter.headers) <= _LARGEST_HEADERS:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[key] = plan
        properties = json.loads(letter.properties)
        return _outgoing(plan, properties, letter.body, letter.requeue_id, letter.id, self._username)

    def _purpose(self, original: dict[str, Any]) -> Purpose:
        return clean_copy.requeue(from_json(original.get("headers") or {}), keep=self._keep)

    def _plan(self, letter: Claimed, edited: Purpose | None) -> _Plan:
        row = DeadLetter(
            return_queue=letter.return_queue,
            source_exchange=letter.source_exchange,
            routing_keys=json.loads(letter.routing_keys),
        )
        place = destinations.address(row, self._to)
        whose = (self._broker, letter.vhost, place, self._to, letter.dead_letter_queue)
        if problem := destinations.not_theirs(*whose):
            place = replace(place, problem=problem)
        headers = from_json(json.loads(letter.headers))
        purpose = edited or clean_copy.requeue(headers, keep=self._keep)
        return _planned(place, letter.dead_letter_queue, purpose.headers(headers))


def copy(letter: DeadLetter, to: To, *, username: str, keep_headers: bool = False) -> Outgoing:
    """Return the copy of one letter, as `Copier.copy` does."""
    headers = purpose(letter, keep_headers=keep_headers).headers(from_json(letter.headers))
    plan = _planned(destinations.address(letter, to), letter.dead_letter_queue, headers)
    return _outgoing(plan, letter.properties, bytes(letter.body), letter.requeue_id, letter.pk, username)


def purpose(letter: DeadLetter, *, keep_headers: bool = False) -> Purpose:
    """Return what a letter is published for: by the headers it was captured with, also where they were edited."""
    captured = letter.original.get("headers") if letter.original else letter.headers
    return clean_copy.requeue(from_json(captured or {}), keep=keep_headers)


def _planned(place: Address, dead_letter_queue: str, headers: dict[str, Any]) -> _Plan:
    problem = place.problem
    if not problem and place.exchange == "" and place.routing_key == dead_letter_queue:
        problem = _("It would go straight back to the dead-letter queue.")
    return _Plan(place, headers, problem)


def _outgoing(
    plan: _Plan, stored: Mapping[str, Any], body: bytes, requeue_id: str, tag: int, username: str
) -> Outgoing:
    if plan.problem:
        raise Refusal(plan.problem)
    headers = dict(plan.headers)
    values = {name: from_json(item) if type(item) is dict else item for name, item in stored.items()}
    REQUEUE.put_aside(values, headers, username=username)
    headers[REQUEUE_ID] = requeue_id
    values["headers"] = headers
    try:
        properties = Properties(**values)
    except TypeError as error:
        raise ValueError(str(error)) from error
    return Outgoing(plan.place.exchange, plan.place.routing_key, body, properties, tag)
