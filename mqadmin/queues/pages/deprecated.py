"""Deprecated features of RabbitMQ in words: what it is, and what to do instead."""

from __future__ import annotations

from django.utils.translation import gettext as _


def words(feature: str) -> tuple[str, str]:
    """Return what the feature is called and what to do; one that is not known keeps its name."""
    return _words().get(feature, (feature.replace("_", " "), ""))


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
