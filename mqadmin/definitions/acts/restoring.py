"""A restore begun: planned anew, written down step by step, handed to a worker."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate import gate
from mqadmin.approvals.gate import kinds as act_kinds
from mqadmin.core.acts import audit, leases, operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Operation
from mqadmin.core.pages.formats import number
from mqadmin.definitions.acts import doing, second
from mqadmin.definitions.acts import steps as rows
from mqadmin.definitions.acts.planning import Scope, Step, plan
from mqadmin.definitions.acts.steps import Outcome, Result
from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.kinds import Snapshot
from mqadmin.definitions.keeping import asking, versions
from mqadmin.definitions.keeping.who import RESTORES
from mqadmin.rabbit.administration.definitions import DefinitionsClient

KIND = RESTORES  # of the operations
TOLD = 200  # objects that the audit log names
BATCH = 500
_BEGINNING_S = 300.0  # at most: what a file has of secrets is done in the request


@dataclass(frozen=True)
class Wanted:
    """What is to hold, and what it is called in the audit log: "version 12", "file definitions.json".
    `version`: its id, where it is one that is kept."""

    objects: Snapshot
    called: str
    version: int | None = None


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


def start(
    *,
    broker: str,
    wanted: Wanted,
    chosen: Collection[str] | Callable[[Step], bool],
    by: Actor,
    scope: Scope = Scope(),  # noqa: B008
    even_full: bool = False,
) -> Operation:
    """Begin a restore of the steps whose `Step.id` is chosen; a worker carries it out (`running`).

    Planned anew first: what is another step by now is not part of it. A queue or virtual host that holds messages
    is deleted only with `even_full`. What a file has of secrets is stored nowhere: these objects, and the virtual
    hosts that they need, are made here, before the rest. Raises Refusal (409): "nothing" is left to be done,
    "under_way" of another restore of the broker; RabbitError where the broker cannot be asked.
    """
    target = wanted.called if scope.vhost is None else f"{scope.vhost}: {wanted.called}"
    with (
        audit.act(by=by, action="definitions.restore", broker=broker, target=target) as entry,
        _alone(broker),
    ):
        live = asking.live(broker).objects
        found = _steps(broker, wanted, live, scope)
        todo = _in_order([step for step in found if step.can_be_done and _is_chosen(step, chosen)])
        if not todo:
            raise Refusal(_("Nothing of what was chosen is left to be done. Look again."), "nothing")
        entry.count = len(todo)
        entry.detail = {"objects": [step.key.id for step in todo[:TOLD]], "acts": _acts(todo)}
        brings = any(step.act != "delete" and _brings_secret(step, wanted) for step in todo)
        source = second.Source(wanted.objects, wanted.called, wanted.version, brings)
        asked = second.asked(broker, source, todo, scope, even_full=even_full)
        if gate.concerns(broker, by):
            gate.ask(asked, by=by, entry=entry)
        at_once = _with_secrets(asking.client(broker), wanted, live, todo)
        operation = _write(broker, wanted, todo, at_once, by, even_full)
        entry.detail = {**entry.detail, "operation": operation.pk}
    return operation


@act_kinds.register(second.ACT, needs="configure", counts_as="restore definitions")
def _agreed(given: Mapping[str, Any], by: Actor) -> Operation:
    """Start what waited for a second person."""
    source = second.source(given)
    return start(
        broker=given["broker"],
        wanted=Wanted(source.objects, source.called, source.version),
        chosen=frozenset(given["steps"]),
        by=by,
        scope=Scope(given["vhost"], given["object"]),
        even_full=bool(given["even_full"]),
    )


@contextmanager
def _alone(broker: str) -> Iterator[None]:
    """Let one begin at a time, and none while another restore of the broker goes on. Raises Refusal."""
    lease, holder = f"restore:{broker}", uuid.uuid4().hex
    text = _("Another restore of this broker is under way: wait until it has ended, or cancel it.")
    if not leases.acquire(lease, holder, _BEGINNING_S):
        raise Refusal(text, "under_way")
    try:
        if Operation.objects.filter(kind=KIND, broker=broker, status__in=Operation.OPEN).exists():
            raise Refusal(text, "under_way")
        yield
    finally:
        leases.release(lease, holder)


def _in_order(todo: Sequence[Step]) -> list[Step]:
    """What is made stands by kind, so that a batch is of one; what is deleted comes last, as it is planned."""
    place = {kind: at for at, kind in enumerate(kinds.ORDER)}
    making = sorted((step for step in todo if step.act != "delete"), key=lambda step: place[step.key.kind])
    return [*making, *(step for step in todo if step.act == "delete")]


def _is_chosen(step: Step, chosen: Collection[str] | Callable[[Step], bool]) -> bool:
    return chosen(step) if callable(chosen) else step.id in chosen


def _acts(todo: Sequence[Step]) -> dict[str, int]:
    return {
        act: count
        for act in ("create", "change", "delete")
        if (count := sum(step.act == act for step in todo))
    }


def _with_secrets(
    client: DefinitionsClient, wanted: Wanted, live: Snapshot, todo: Sequence[Step]
) -> dict[str, Result]:
    """Make what brings a secret that the broker does not have: of a file, which is kept nowhere."""
    brings = [step for step in todo if step.act != "delete" and _brings_secret(step, wanted)]
    if not brings:
        return {}
    vhosts = {step.key.vhost for step in brings} - {""}
    first = [step for step in todo if step.act == "create" and step.key.kind == kinds.VHOST]
    first = [step for step in first if step.key.vhost in vhosts]
    mask = versions.mask()
    faults: doing.Faults = {}
    for some in (first, brings):
        for at in range(0, len(some), BATCH):
            faults |= doing.made(client, mask, wanted.objects, live, some[at : at + BATCH])
    there = secret.masked(asking.live(client.config.slug).objects, mask)
    return {step.id: judged(step, there, faults.get(step.id, "")) for step in [*first, *brings]}


def _brings_secret(step: Step, wanted: Wanted) -> bool:
    body = wanted.objects[step.key]
    if step.key.kind == kinds.USER:
        return step.brings_password
    return body != step.wanted and secret.is_masked(step.wanted) and not secret.is_masked(body)


def judged(step: Step, there: Snapshot, fault: str) -> Result:
    """Return what became of a step: what the broker has now, masked, says it."""
    if doing.is_so(step, there.get(step.key)):
        return Result(step, Outcome.DONE)
    return Result(step, Outcome.FAILED, fault or _("The broker took it without a word, and it is not so."))


def _write(
    broker: str,
    wanted: Wanted,
    todo: Sequence[Step],
    at_once: dict[str, Result],
    by: Actor,
    even_full: bool,
) -> Operation:
    count = len(todo)
    text = ngettext("Restore %(n)s object: %(what)s", "Restore %(n)s objects: %(what)s", count)
    done = sum(item.outcome == Outcome.DONE for item in at_once.values())
    with transaction.atomic():
        operation = operations.start(
            kind=KIND,
            by=by,
            broker=broker,
            summary=text % {"n": number(count), "what": wanted.called},
            params={"even_full": even_full, "what": wanted.called},
            total=count,
        )
        operation.done, operation.failed = done, len(at_once) - done
        operation.save(update_fields=["done", "failed"])
        rows.write(operation, todo, at_once)
    return operation
