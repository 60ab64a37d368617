"""What a classic queue becomes as a quorum queue, and what stands in the way: looked up before anything is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from consumers.models import Consumer
from mqadmin.administration.converting import publishers
from mqadmin.administration.converting.publishers import Publishers
from mqadmin.core import brokers, hooks
from mqadmin.core.pages import prose
from mqadmin.queues.acts import declaring, destination
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import live_queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import TYPE
from mqadmin.rabbit.errors import Refused
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.topology import policies, rights
from mqadmin.rabbit.topology.policies import Ranked
from mqadmin.rabbit.types import ConsumerInfo, PolicyInfo, QueueDetail, QueueInfo

_DLX = ("dead-letter-exchange", "dead-letter-routing-key")
PREFIX = "mqadmin.convert."  # of temporary queues
_LOSING = frozenset({"expires", "message-ttl", "max-length", "max-length-bytes"})
# What a move takes, by what was measured on two cores: whichever of them is slower. The rest is waiting.
_MESSAGES_S, _BYTES_S, _WAITS_S = 6_000, 30 * 1024 * 1024, 20


@dataclass(frozen=True)
class Plan:
    """What would be declared, what changes by it in sentences, and why it cannot be done ([] where it can).

    `bindings` as {source, routing_key, arguments}; `ours`: the running consumers that would be paused; `letters`:
    what the temporary queue needs so that a message that expires in it goes where it would have gone; `strangers`:
    consumers that are not mqadmin's; `policies` name before and after, by kind; `seconds`: how long it takes about.
    """

    declared: Mapping[str, Any]
    arguments: Mapping[str, Any]
    bindings: list[dict[str, Any]]
    ours: list[Consumer]
    letters: Mapping[str, Any]
    ready: int
    size: int
    seconds: float
    strangers: Sequence[ConsumerInfo]
    publishers: Publishers
    policies: Sequence[Match]
    changes: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Match:
    """The policy of one kind that applies to the queue before and after, "" for none. `is_operators`: it is an
    operator policy."""

    is_operators: bool
    before: str
    after: str


def plan(queue: Queue) -> Plan:
    """Return what a conversion would do to `queue`. Asks the broker; raises RabbitError."""
    slug, vhost = queue.broker.slug, queue.vhost
    client = brokers.client(slug)
    detail = client.queue(vhost, queue.name)
    info = detail.info
    version = declaring.version_of(slug, client)
    arguments, changes = _arguments(info, version)
    bound = bindings(client, vhost, queue.name)
    ready, size = _held(queue, info)
    rules = client.policies(vhost), client.operator_policies(vhost)
    becomes = QueueInfo(vhost, info.name, "quorum", arguments=arguments)
    strangers = foreign(queue, detail)
    return Plan(
        declared=_declared(info),
        arguments=arguments,
        bindings=bound,
        ours=running(slug, vhost, queue.name),
        letters=_letters(info),
        ready=ready,
        size=size,
        seconds=seconds(ready, size),
        strangers=strangers,
        publishers=publishers.of(client, detail, [item["source"] for item in bound]),
        policies=_policies(rules, info, becomes, version),
        changes=[*changes, *_properties(info)],
        stops=[
            *_kind_stops(info),
            *_state_stops(queue, strangers),
            *_rights(queue, bound),
            *([text] if (text := _losing(client, vhost, rules)) else []),
            *destination.judged(_in_force(becomes, rules), ready, info.mean_bytes).loses,
        ],
    )


def seconds(ready: int, size: int) -> float:
    """Return how long it takes about to convert a queue with so many messages and bytes: each is moved twice."""
    return 2 * max(ready / _MESSAGES_S, size / _BYTES_S) + _WAITS_S


def running(slug: str, vhost: str, name: str) -> list[Consumer]:
    """Return mqadmin's consumers of a queue that are told to run."""
    rows = Consumer.objects.filter(broker=slug, vhost=vhost, queue=name, desired=Consumer.Desired.RUNNING)
    return list(rows.order_by("name"))


def bindings(client: ManagementClient, vhost: str, name: str) -> list[dict[str, Any]]:
    """Return what a queue is bound with, but for the default exchange. Raises RabbitError."""
    return [
        {"source": item.source, "routing_key": item.routing_key, "arguments": dict(item.arguments)}
        for item in client.queue_bindings(vhost, name)
        if item.source
    ]


def foreign(queue: Queue, detail: QueueDetail) -> list[ConsumerInfo]:
    """Return the consumers of a queue that are not mqadmin's."""
    tags = tuple(reader.tag for reader in hooks.queue_readers(queue))
    return [item for item in detail.consumer_details if not (tags and item.tag.startswith(tags))]


def stop_them(strangers: Sequence[ConsumerInfo]) -> str:
    """Say that consumers that are not mqadmin's are to be stopped first."""
    names = prose.listed(f"“{item.tag}” ({item.connection or item.peer or '?'})" for item in strangers[:5])
    text = _("Consumers that are not mqadmin's hold messages of it: %(names)s. Stop them first.")
    return text % {"names": names}


def unsafe(client: ManagementClient, vhost: str, temporary: str = f"{PREFIX}0") -> str:
    """Return which policy would have the temporary queue drop what is in it, or go; "" for none."""
    return _losing(client, vhost, (client.policies(vhost), client.operator_policies(vhost)), temporary)


def _losing(
    client: ManagementClient, vhost: str, rules: tuple[list[PolicyInfo], ...], name: str = f"{PREFIX}0"
) -> str:
    version = queue_arguments.version_of(client.overview().version)
    for listed in rules:
        policy = Ranked(listed, version).of_queue(QueueInfo(vhost, name, "quorum")).policy
        if policy is not None and (keys := _LOSING.intersection(policy.definition)):
            text = _(
                "The policy “%(policy)s” would apply to the temporary queue too, and with %(keys)s could drop what "
                "is in it. Give it a pattern that leaves out names that begin with “%(prefix)s”."
            )
            values = {"policy": policy.name, "keys": ", ".join(sorted(keys)), "prefix": PREFIX}
            return text % values
    return ""


def _declared(info: QueueInfo) -> dict[str, Any]:
    return {
        "type": info.type,
        "durable": info.durable,
        "auto_delete": info.auto_delete,
        "arguments": dict(info.arguments),
    }


def _letters(info: QueueInfo) -> dict[str, Any]:
    effective = {**{f"x-{key}": value for key, value in info.effective_policy.items()}, **info.arguments}
    return {f"x-{key}": effective[f"x-{key}"] for key in _DLX if f"x-{key}" in effective}


def _held(queue: Queue, info: QueueInfo) -> tuple[int, int]:
    """Return how many messages are ready this instant, and about how many bytes they have."""
    if info.exclusive or info.type != "classic":
        ready = info.ready or 0
    else:
        ready = amqp.counts(brokers.config(queue.broker.slug), queue.vhost, queue.name)[0]
    return ready, round(ready * info.mean_bytes)


def _arguments(info: QueueInfo, version: queue_arguments.Version | None) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments that stay, and what becomes of the others."""
    kept = {name: value for name, value in info.arguments.items() if name != TYPE}
    said = []
    if kept.get("x-overflow") == "reject-publish-dlx":
        kept["x-overflow"] = "reject-publish"
        said.append(_("x-overflow becomes reject-publish: what is refused is not dead-lettered any more."))
    for fault in queue_arguments.faults("quorum", version, kept):
        name = fault.argument.name
        said.append(_("%(name)s goes: a quorum queue does not take it.") % {"name": name})
    for fault in list(queue_arguments.faults("quorum", version, kept)):
        kept.pop(fault.argument.name, None)
    return {TYPE: "quorum", **kept}, said


def _properties(info: QueueInfo) -> list[str]:
    said = []
    if not info.durable:
        said.append(_("It becomes durable: who declares it as transient is refused from then on."))
    said.append(
        _(
            "Who declares it as a classic queue, or without a type, is refused from then on: change its clients."
        )
    )
    said.append(_("A message's own TTL begins anew with each copy."))
    said.append(
        _("A client that sets one prefetch for its whole channel (global=true) may not consume from it.")
    )
    if "x-delivery-limit" not in info.arguments:
        said.append(
            _("From RabbitMQ 4.0 on a message goes after 20 returns, unless a delivery limit says more.")
        )
    return said


def _in_force(info: QueueInfo, rules: tuple[list[PolicyInfo], ...]) -> QueueInfo:
    """Return the queue with what policies would set of it."""
    return policies.in_force(info, *rules)


def _policies(
    rules: tuple[list[PolicyInfo], ...],
    info: QueueInfo,
    becomes: QueueInfo,
    version: queue_arguments.Version | None,
) -> list[Match]:
    """Return which policies apply before and after."""
    found = []
    for is_operators, listed in zip((False, True), rules, strict=True):
        ranked = Ranked(listed, version)
        was, then = ranked.of_queue(info).policy, ranked.of_queue(becomes).policy
        if was is not None or then is not None:
            found.append(Match(is_operators, was.name if was else "", then.name if then else ""))
    return found


def _kind_stops(info: QueueInfo) -> list[str]:
    said = []
    if info.type != "classic":
        said.append(_("It is no classic queue."))
    if info.exclusive:
        said.append(_("It belongs to one connection, and goes with it."))
    if info.auto_delete:
        said.append(
            _(
                "It deletes itself with what is in it when its last consumer leaves, and whoever empties it is "
                "one: it cannot be emptied without that risk."
            )
        )
    if info.name.startswith("amq."):
        said.append(_("Names that begin with “amq.” are the broker's: nobody may declare it anew."))
    return said


def _state_stops(queue: Queue, strangers: Sequence[ConsumerInfo]) -> list[str]:
    said = []
    if queue.tracked:
        said.append(_("Its dead letters are captured: stop tracking it first."))
    if strangers:
        said.append(stop_them(strangers))
    return said


def _rights(queue: Queue, bound: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which rights mqadmin's user lacks, as far as it may ask: it would be too late to learn it."""
    config = brokers.config(queue.broker.slug)
    lacking = live_queue.lacking(queue)
    try:
        allowed = brokers.client(config.slug).permission(queue.vhost, config.username)
    except Refused:
        return list(lacking.values())
    needed = [("configure", queue.name), ("configure", f"{PREFIX}0"), ("write", queue.name)]
    needed += [("write", f"{PREFIX}0"), ("read", f"{PREFIX}0"), *(("read", item["source"]) for item in bound)]
    text = _(
        "The broker's user “%(user)s” lacks the %(right)s permission on “%(name)s” in vhost “%(vhost)s”."
    )
    said = [
        text % {"user": config.username, "right": right, "name": name, "vhost": queue.vhost}
        for right, name in dict.fromkeys(needed)
        if rights.allows(getattr(allowed, right, ""), name) is False
    ]
    return [*lacking.values(), *said[:5]]
