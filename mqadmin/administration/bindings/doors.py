"""Where the page of a queue leads: to the dialogs that bind, unbind and delete it."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import address
from mqadmin.core.hooks import QueueDoors
from mqadmin.queues.models import Queue
from mqadmin.rabbit.types import BindingInfo

BACK = "queue"  # stands in the address of a dialog that was opened from the page of a queue


def doors(queue: Queue) -> QueueDoors:
    """Return the addresses of the dialogs about a queue."""

    def unbind(binding: BindingInfo) -> str:
        return address(
            "binding_delete",
            queue.broker.slug,
            vhost=binding.vhost,
            source=binding.source,
            destination=binding.destination,
            destination_type=binding.destination_type,
            properties_key=binding.properties_key,
            back=BACK,
        )

    return QueueDoors(
        reverse("queue_bind", args=[queue.pk]),
        reverse("queue_delete", args=[queue.pk]),
        reverse("queue_convert", args=[queue.pk]) if queue.type == "classic" else "",
        _unconvertible(queue),
        unbind,
    )


def _unconvertible(queue: Queue) -> str:
    """Return why a classic queue cannot become a quorum queue at all, in a few words for its button."""
    if queue.exclusive:
        return _("It belongs to one connection: no quorum queue does.")
    if queue.auto_delete:
        return _(
            "It deletes itself with what is in it once its last consumer leaves: it cannot be emptied safely."
        )
    if queue.name.startswith("amq."):
        return _("Names that begin with “amq.” are the broker's: nobody may declare it anew.")
    return ""
