"""What acts on one queue have in common where they wait for a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate.gate import Foretold, digest
from mqadmin.core import hooks
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import number
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import RabbitError


def queue(given: Mapping[str, Any]) -> Queue:
    """Return the queue of an act. Raises Refusal (404) where it is gone."""
    found = Queue.objects.select_related("broker").filter(pk=given["queue"], gone_at=None).first()
    if found is None:
        raise Refusal(_("This queue is gone."), "not_found", status=404)
    return found


def mark(queue: Queue) -> str:
    """Return what is another once the queue was declared anew as something else."""
    return digest((queue.pk, queue.type, queue.durable, sorted(map(repr, queue.arguments.items()))))


def foretold(action: str, queue: Queue, count: int, *, is_kept: bool) -> list[Foretold]:
    """Return what dropping the `count` messages in a queue, or deleting it with them, would do."""
    values = {"vhost": queue.vhost, "name": queue.name}
    text = ngettext("It holds %(n)s message.", "It holds %(n)s messages.", count)
    found = [Foretold("loses" if count and not is_kept else "tells", text % {"n": number(count)})]
    try:
        found += [Foretold(*item) for item in hooks.foretold(action, queue.broker.slug, values)]
    except RabbitError as error:
        found.append(Foretold("unknown", str(error)))
    if is_kept:
        text = _("A copy of what is ready is kept for seven days, and can be put back.")
        return [*found, Foretold("tells", text)]
    return found
