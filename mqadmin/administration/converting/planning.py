"""What a classic queue becomes as a quorum queue, and what stands in the way: looked up before anything is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from consumers.models import Consumer
from mqadmin.core import brokers, hooks
from mqadmin.queues.acts import declaring
from mqadmin.queues.models import Queue
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import TYPE
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.topology.policies import Ranked
from mqadmin.rabbit.types import QueueDetail, QueueInfo

_DLX = ("dead-letter-exchange", "dead-letter-routing-key")


@dataclass(frozen=True)
class Plan:
    """What would be declared, what changes by it in sentences, and why it cannot be done ([] where it can).

    `bindings` as {source, routing_key, arguments}; `ours`: ids of the running consumers that would be paused;
    `letters`: what the temporary queue needs so that a message that expires in it goes where it would have gone.
    """

    declared: Mapping[str, Any]
    arguments: Mapping[str, Any]
    bindings: list[dict[str, Any]]
    ours: list[int]
    letters: Mapping[str, Any]
    changes: list[str] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)


def plan(queue: Queue) -> Plan:
    """Return what a conversion would do to `queue`. Asks the broker; raises RabbitError."""
    client = brokers.client(queue.broker.slug)
    detail = client.queue(queue.vhost, queue.name)
    info = detail.info
    version = declaring.version_of(queue.broker.slug, client)
    arguments, changes = _arguments(info, version)
    found = client.queue_bindings(queue.vhost, queue.name)
    effective = {**{f"x-{key}": value for key, value in info.effective_policy.items()}, **info.arguments}
    return Plan(
        declared={
            "type": info.type,
            "durable": info.durable,
            "auto_delete": info.auto_delete,
            "arguments": dict(info.arguments),
        },
        arguments=arguments,
        bindings=[
            {"source": item.source, "routing_key": item.routing_key, "arguments": dict(item.arguments)}
            for item in found
            if item.source
        ],
        ours=list(
            Consumer.objects.filter(
                broker=queue.broker.slug,
                vhost=queue.vhost,
                queue=queue.name,
                desired=Consumer.Desired.RUNNING,
            ).values_list("pk", flat=True)
        ),
        letters={f"x-{key}": effective[f"x-{key}"] for key in _DLX if f"x-{key}" in effective},
        changes=[*changes, *_properties(info), *_policies(client, info, arguments, version)],
        stops=_stops(queue, detail),
    )


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
    if info.auto_delete:
        said.append(_("It does not delete itself any more."))
    said.append(
        _(
            "Who declares it as a classic queue, or without a type, is refused from then on: change its clients."
        )
    )
    if "x-delivery-limit" not in info.arguments:
        said.append(
            _("From RabbitMQ 4.0 on a message goes after 20 returns, unless a delivery limit says more.")
        )
    return said


def _policies(
    client: ManagementClient,
    info: QueueInfo,
    arguments: Mapping[str, Any],
    version: queue_arguments.Version | None,
) -> list[str]:
    """Return which policies begin or cease to apply by the type."""
    said = []
    after = QueueInfo(info.vhost, info.name, "quorum", arguments=arguments)
    for listed in (client.policies(info.vhost), client.operator_policies(info.vhost)):
        ranked = Ranked(listed, version)
        was, becomes = ranked.of_queue(info).policy, ranked.of_queue(after).policy
        if was is not None and was != becomes:
            said.append(_("The policy %(name)s ceases to apply to it.") % {"name": was.name})
        if becomes is not None and was != becomes:
            said.append(_("The policy %(name)s begins to apply to it.") % {"name": becomes.name})
    return said


def _stops(queue: Queue, detail: QueueDetail) -> list[str]:
    info = detail.info
    said = []
    if info.type != "classic":
        said.append(_("It is no classic queue."))
    if info.exclusive:
        said.append(_("It belongs to one connection, and goes with it."))
    if queue.tracked:
        said.append(_("Its dead letters are captured: stop tracking it first."))
    tags = tuple(reader.tag for reader in hooks.queue_readers(queue))
    strangers = [item for item in detail.consumer_details if not (tags and item.tag.startswith(tags))]
    if strangers:
        names = ", ".join(f"“{item.tag}” ({item.connection or item.peer or '?'})" for item in strangers[:5])
        said.append(
            _("Consumers that are not mqadmin's hold messages of it: %(names)s. Stop them first.")
            % {"names": names}
        )
    return said
