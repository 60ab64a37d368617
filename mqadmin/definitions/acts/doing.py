"""One thing of a restore done on the broker: made, deleted, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.comparing import differing, document, kinds, secret
from mqadmin.definitions.comparing.kinds import Body, Snapshot
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from mqadmin.rabbit.errors import BadRequest, BadResponse, NoResponse, NotFound, RabbitError

Faults = dict[str, str]
"""Why steps could not be done, by `Step.id`."""


def made(
    client: DefinitionsClient, mask: secret.Mask, wanted: Snapshot, live: Snapshot, batch: Sequence[Step]
) -> Faults:
    """Make one batch in a call; where the broker refuses something of it, each alone, for words of its own.

    `wanted` holds masks, or the secrets themselves; `live` has those of the broker. Raises NoResponse where the
    broker is away: what of the batch it did is not known then, and may be done again.
    """
    bodies: list[tuple[Step, Body]] = []
    faults: Faults = {}
    for step in batch:
        try:
            body = secret.filled(step.key, wanted[step.key], live.get(step.key), mask)
        except secret.Unknown:
            faults[step.id] = _("It holds a secret that is kept nowhere, and the broker has it no more.")
        else:
            bodies.append((step, body))
    if not bodies:
        return faults
    try:
        client.load(_document(bodies))
        return faults
    except NoResponse:
        raise
    except (BadRequest, BadResponse):
        return faults | _made_singly(client, bodies)
    except RabbitError as error:
        return faults | {step.id: str(error) for step, _body in bodies}


def _made_singly(client: DefinitionsClient, bodies: Iterable[tuple[Step, Body]]) -> Faults:
    faults: Faults = {}
    for step, body in bodies:
        try:
            client.load(_document([(step, body)]))
        except NoResponse:
            raise
        except RabbitError as error:
            _must_answer(client, error)
            faults[step.id] = str(error)
    return faults


def _must_answer(client: DefinitionsClient, error: RabbitError) -> None:
    """Raise NoResponse where the broker is about to end or to begin: then it was no word on the object."""
    if isinstance(error, BadResponse) and not isinstance(error, BadRequest) and error.code != "unaddressable":
        try:
            client.whoami()
        except RabbitError as away:
            raise NoResponse(str(away)) from error


def _document(bodies: Iterable[tuple[Step, Body]]) -> dict[str, list[Body]]:
    """Return what the broker imports: the sections that have something alone."""
    told = document.written({step.key: body for step, body in bodies})
    return {section: items for section, items in told.items() if items}


def deleted(client: DefinitionsClient, step: Step, even_full: bool) -> Faults:
    """Delete what one step says; `step.messages` is what it holds now. Raises NoResponse."""
    if step.key.kind in (kinds.QUEUE, kinds.VHOST) and step.messages != 0 and not even_full:
        return {step.id: _("It holds messages, or may: it was left alone.")}
    if step.key.kind == kinds.QUEUE and not even_full and _type(step) != "classic":
        # rabbit_quorum_queue:delete/4 and rabbit_stream_queue:delete/4 know no if-empty.
        return {step.id: _("RabbitMQ cannot be told to delete it only while it is empty: it was left alone.")}
    try:
        for segments in _addresses(client, step):
            client.delete(*segments, only_empty=step.key.kind == kinds.QUEUE and not even_full)
    except NoResponse:
        raise
    except RabbitError as error:
        _must_answer(client, error)
        return {step.id: str(error)}
    return {}


def _type(queue: Step) -> str:
    arguments = (queue.current or {}).get("arguments") or {}
    return str(arguments.get("x-queue-type", "classic"))


def with_messages(step: Step, holds: Mapping[tuple[str, str], int | None]) -> Step:
    """Return a step that deletes with what a queue, or all queues of a virtual host, hold by now; None: not
    known."""
    if step.key.kind == kinds.QUEUE:
        return replace(step, messages=holds.get((step.key.vhost, step.key.parts[0])))
    if step.key.kind == kinds.VHOST:
        own = [count for (vhost, _name), count in holds.items() if vhost == step.key.vhost]
        return replace(step, messages=None if None in own else sum(count or 0 for count in own))
    return step


def _addresses(client: DefinitionsClient, step: Step) -> list[tuple[str, ...]]:
    """Return what is deleted of the management API for one object: a user's name, a binding's own key."""
    kind, vhost, parts = step.key
    paths = {
        kinds.VHOST: ("vhosts",),
        kinds.USER: ("users",),
        kinds.PERMISSION: ("permissions", vhost),
        kinds.PARAMETER: ("parameters", parts[0], vhost),
        kinds.GLOBAL_PARAMETER: ("global-parameters",),
        kinds.OPERATOR_POLICY: ("operator-policies", vhost),
        kinds.POLICY: ("policies", vhost),
        kinds.EXCHANGE: ("exchanges", vhost),
        kinds.QUEUE: ("queues", vhost),
    }
    if kind == kinds.BINDING:
        return _binding(client, step)
    if kind == kinds.LIMIT:
        return [("vhost-limits", vhost, name) for name in (step.current or {}).get("value", {})]
    if kind == kinds.TOPIC_PERMISSION:
        return [("topic-permissions", vhost, parts[0])]
    return [(*paths[kind], parts[-1])]


def _binding(client: DefinitionsClient, step: Step) -> list[tuple[str, ...]]:
    """A binding is deleted by a key of the broker's own making, which it is asked for."""
    source, kind, destination, routing_key, _arguments = step.key.parts
    try:
        found = client.binding_keys(step.key.vhost, source, kind, destination)
    except NotFound:
        return []
    arguments = (step.current or {}).get("arguments") or {}
    short = "q" if kind == "queue" else "e"
    return [
        ("bindings", step.key.vhost, "e", source, short, destination, str(item["properties_key"]))
        for item in found
        if item.get("routing_key") == routing_key and (item.get("arguments") or {}) == arguments
    ]


def is_so(step: Step, now: Body | None) -> bool:
    """Whether what the broker has now, masked, is what the step wants.

    Of the password of a user only the broker knows what became of it.
    """
    if step.act == "delete" or step.wanted is None:
        return now is None
    meant = step.wanted
    if step.key.kind == kinds.USER:
        meant, now = _told(meant), None if now is None else _told(now)
    return differing.same(step.key.kind, now, meant)


def _told(user: Body) -> Body:
    return {name: value for name, value in user.items() if name not in ("password_hash", "hashing_algorithm")}
