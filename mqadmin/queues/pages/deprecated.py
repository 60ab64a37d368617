"""Deprecated features of RabbitMQ that are in use, in words: what it is, and what to do instead."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from mqadmin.core.hooks import Attention
from mqadmin.queues.models import Broker, Queue

NAMED = 3
# What mqadmin itself lives by, and RabbitMQ does not take away yet.
_SILENT = frozenset({"management_metrics_collection"})


def attention(broker: Broker) -> Iterator[Attention]:
    """Yield one thing to look at for each: a later RabbitMQ refuses it."""
    for name in broker.traits.get("deprecated", ()):
        if name not in _SILENT:
            title, advice = _words().get(name, (name.replace("_", " "), ""))
            text = " ".join(filter(None, (_where(broker, name), advice, _later())))
            yield Attention("watch", _("Deprecated, and in use: %(feature)s") % {"feature": title}, text)


def _later() -> str:
    return _("A later RabbitMQ refuses it, and may not start with it.")


def _where(broker: Broker, name: str) -> str:
    """Name the queues that it is about, where the monitor knows them."""
    if name != "transient_nonexcl_queues":
        return ""
    rows = Queue.objects.filter(broker=broker, gone_at=None, durable=False, exclusive=False)
    names = list(rows.order_by("vhost", "name").values_list("name", flat=True)[: NAMED + 1])
    more = _(" and more") if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}." if names else ""


def _words() -> dict[str, tuple[str, str]]:
    return {
        "transient_nonexcl_queues": (
            _("transient queues that are not exclusive"),
            _("Declare them durable, with x-expires where they are to go by themselves, or exclusive."),
        ),
        "global_qos": (
            _("one prefetch for all consumers of a channel"),
            _("Have clients set the prefetch for each consumer (basic.qos with global=false)."),
        ),
        "classic_queue_mirroring": (
            _("mirrored classic queues"),
            _("Use quorum queues, and take ha-mode and its like out of the policies."),
        ),
        "ram_node_type": (_("a node that keeps its metadata in memory"), _("Make it a disc node.")),
        "queue_master_locator": (
            _("queue-master-locator"),
            _("Use queue-leader-locator in policies, x-queue-leader-locator in arguments."),
        ),
        "amqp_address_v1": (
            _("addresses of the first form in AMQP 1.0"),
            _("Have clients use the addresses of the second form."),
        ),
        "amqp_filter_set_bug": (
            _("filters that AMQP 1.0 clients do not describe"),
            _("Have clients send described filters."),
        ),
    }
