"""A restore carried out: batch by batch, read back, with a result for each object."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.definitions.acts.planning import Scope, Step, plan
from mqadmin.definitions.comparing import differing, document, kinds, secret
from mqadmin.definitions.comparing.kinds import Body, Snapshot
from mqadmin.definitions.keeping import asking, versions
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from mqadmin.rabbit.errors import BadRequest, BadResponse, NotFound, RabbitError

BATCH = 500  # objects of one kind that are made in one call
TOLD = 200  # objects that the audit log names
Outcome = Literal["done", "failed", "changed"]


@dataclass(frozen=True)
class Result:
    """What became of one step: done, failed with the broker's words, or not done as it had changed meanwhile."""

    step: Step
    outcome: Outcome
    text: str = ""


@dataclass(frozen=True)
class Wanted:
    """What is to hold, and what it is called in the audit log: "version 12", "file definitions.json"."""

    objects: Snapshot
    called: str


def masked(objects: Snapshot) -> Snapshot:
    """Return the objects of a file with their secrets masked, so that they may be compared and shown."""
    return secret.masked(objects, versions.mask())


def steps(broker: str, wanted: Wanted, *, scope: Scope = Scope()) -> list[Step]:  # noqa: B008
    """Return what a restore would do now: the broker is asked. Raises RabbitError."""
    return _steps(broker, wanted, asking.live(broker).objects, scope)


def _steps(broker: str, wanted: Wanted, live: Snapshot, scope: Scope) -> list[Step]:
    client = asking.client(broker)
    found = _planned(client, wanted, live, scope, None)
    if any(step.act == "delete" and step.key.kind in (kinds.QUEUE, kinds.VHOST) for step in found):
        found = _planned(client, wanted, live, scope, client.messages())
    return found


def _planned(
    client: DefinitionsClient,
    wanted: Wanted,
    live: Snapshot,
    scope: Scope,
    messages: dict[tuple[str, str], int | None] | None,
) -> list[Step]:
    return plan(
        live,
        wanted.objects,
        mask=versions.mask(),
        own_user=client.config.auth()[0],
        scope=scope,
        messages=messages,
    )


def restore(
    *,
    broker: str,
    wanted: Wanted,
    chosen: Collection[str] | Callable[[Step], bool],
    by: Actor,
    scope: Scope = Scope(),  # noqa: B008
    even_full: bool = False,
) -> list[Result]:
    """Do the steps whose `Step.id` is chosen; return what became of each, in the order in which they were done.

    Planned anew first: what is another step by now is not done, and not among the results. A queue or virtual
    host that holds messages is deleted only with `even_full`. Raises Refusal (409, "nothing") where nothing is left
    to be done, RabbitError where the broker cannot be asked; what was done before a fault is in the results.
    """
    target = wanted.called if scope.vhost is None else f"{scope.vhost}: {wanted.called}"
    with audit.act(by=by, action="definitions.restore", broker=broker, target=target) as entry:
        live = asking.live(broker).objects
        found = _steps(broker, wanted, live, scope)
        todo = [step for step in found if step.can_be_done and _is_chosen(step, chosen)]
        if not todo:
            raise Refusal(_("Nothing of what was chosen is left to be done. Look again."), "nothing")
        entry.count = len(todo)
        entry.detail = {"objects": [step.key.id for step in todo[:TOLD]], "acts": _acts(todo)}
        results = _done(asking.client(broker), wanted, live, todo, even_full)
        entry.detail = {**entry.detail, "failed": sum(item.outcome == "failed" for item in results)}
    try:
        asking.look(broker)
    except RabbitError:
        asking.want(broker)  # what was done is done; the monitor looks when the broker answers again
    return results


def _is_chosen(step: Step, chosen: Collection[str] | Callable[[Step], bool]) -> bool:
    return chosen(step) if callable(chosen) else step.id in chosen


def _acts(todo: Sequence[Step]) -> dict[str, int]:
    return {
        act: count
        for act in ("create", "change", "delete")
        if (count := sum(step.act == act for step in todo))
    }


def _done(
    client: DefinitionsClient, wanted: Wanted, live: Snapshot, todo: Sequence[Step], even_full: bool
) -> list[Result]:
    faults: dict[str, str] = {}
    making = [step for step in todo if step.act != "delete"]
    for kind in kinds.ORDER:
        own = [step for step in making if step.key.kind == kind]
        for at in range(0, len(own), BATCH):
            faults |= _made(client, wanted, live, own[at : at + BATCH])
    going = [step for step in todo if step.act == "delete"]
    for step in going:
        faults |= _deleted(client, step, even_full)
    faults |= _left_to_them(client, live, going)
    return _read_back(client, wanted, todo, faults)


def _made(client: DefinitionsClient, wanted: Wanted, live: Snapshot, batch: Sequence[Step]) -> dict[str, str]:
    """Make one batch in a call; where the broker refuses something of it, each alone, for words of its own."""
    mask = versions.mask()
    bodies = [
        (step, secret.filled(step.key, wanted.objects[step.key], live.get(step.key), mask)) for step in batch
    ]
    try:
        client.load(_document(bodies))
        return {}
    except (BadRequest, BadResponse):
        return _made_singly(client, bodies)
    except RabbitError as error:
        return {step.id: str(error) for step in batch}


def _made_singly(client: DefinitionsClient, bodies: Iterable[tuple[Step, Body]]) -> dict[str, str]:
    faults = {}
    for step, body in bodies:
        try:
            client.load(_document([(step, body)]))
        except RabbitError as error:
            faults[step.id] = str(error)
    return faults


def _document(bodies: Iterable[tuple[Step, Body]]) -> dict[str, list[Body]]:
    """Return what the broker imports: the sections that have something alone."""
    told = document.written({step.key: body for step, body in bodies})
    return {section: items for section, items in told.items() if items}


def _deleted(client: DefinitionsClient, step: Step, even_full: bool) -> dict[str, str]:
    if step.key.kind in (kinds.QUEUE, kinds.VHOST) and step.messages != 0 and not even_full:
        return {step.id: _("It holds messages, or may: it was left alone.")}
    if step.key.kind == kinds.QUEUE and not even_full and _type(step) != "classic":
        # rabbit_quorum_queue:delete/4 and rabbit_stream_queue:delete/4 know no if-empty.
        return {step.id: _("RabbitMQ cannot be told to delete it only while it is empty: it was left alone.")}
    try:
        for segments in _addresses(client, step):
            client.delete(*segments, only_empty=step.key.kind == kinds.QUEUE and not even_full)
    except RabbitError as error:
        return {step.id: str(error)}
    return {}


def _type(queue: Step) -> str:
    arguments = (queue.current or {}).get("arguments") or {}
    return str(arguments.get("x-queue-type", "classic"))


def _left_to_them(client: DefinitionsClient, live: Snapshot, going: Sequence[Step]) -> dict[str, str]:
    """The management API takes all topic permissions of a user in a virtual host: the rest is given back."""
    taken = {(step.key.vhost, step.key.parts[0]) for step in going if step.key.kind == kinds.TOPIC_PERMISSION}
    gone = {step.key for step in going}
    stay = {
        key: body
        for key, body in live.items()
        if key.kind == kinds.TOPIC_PERMISSION and (key.vhost, key.parts[0]) in taken and key not in gone
    }
    try:
        if stay:
            client.load({"topic_permissions": list(stay.values())})
    except RabbitError as error:
        return {step.id: str(error) for step in going if step.key.kind == kinds.TOPIC_PERMISSION}
    return {}


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


def _read_back(
    client: DefinitionsClient, wanted: Wanted, todo: Sequence[Step], faults: dict[str, str]
) -> list[Result]:
    """Ask the broker what is there now: it says nothing of what an import passes over."""
    mask = versions.mask()
    try:
        there = secret.masked(
            asking.as_read(client.config.slug, client.export().document or {}).objects, mask
        )
    except RabbitError as error:
        text = _("The broker took it; whether it is so could not be read back: %(why)s") % {"why": error}
        return [Result(step, "failed", faults.get(step.id, text)) for step in todo]
    return [_result(step, wanted, there, faults.get(step.id, ""), mask) for step in todo]


def _result(step: Step, wanted: Wanted, there: Snapshot, fault: str, mask: secret.Mask) -> Result:
    now = there.get(step.key)
    if step.act == "delete":
        is_so = now is None
    else:
        meant = secret.masked_body(step.key.kind, wanted.objects[step.key], mask)
        if step.key.kind == kinds.USER:  # of a password it is known only here what became of it
            meant, now = _told(meant), None if now is None else _told(now)
        is_so = differing.same(step.key.kind, now, meant)
    if is_so:
        return Result(step, "done")
    return Result(step, "failed", fault or _("The broker took it without a word, and it is not so."))


def _told(user: Body) -> Body:
    return {name: value for name, value in user.items() if name not in ("password_hash", "hashing_algorithm")}
