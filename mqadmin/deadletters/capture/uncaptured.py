"""Dead-letter queues whose letters nobody captures: the inbox and the overview offer to."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.core.pages import prose
from mqadmin.core.rights import naming
from mqadmin.deadletters.capture import tracking
from mqadmin.queues.models import Queue

MOST = 20


@dataclass(frozen=True)
class UncapturedQueue:
    """A dead-letter queue that holds letters nobody captures."""

    queue: Queue
    count: int
    broker: str

    @property
    def text(self) -> str:
        """The sentence that offers to track it."""
        names = naming.seen(self.broker, self.queue.vhost, self.queue.dead_letters_from)
        sources = prose.listed(names[:3])
        return _("From %(sources)s.") % {"sources": sources} if sources else ""


def fullest(broker: str) -> tuple[list[UncapturedQueue], int]:
    """Return the fullest dead-letter queues with messages that are not tracked, and how many more there are."""
    wanted = tracking.untracked(broker).filter(total__gt=0)
    rows = list(wanted.order_by("-total", "vhost", "name")[: MOST + 1])
    found = [UncapturedQueue(queue, queue.total or 0, broker) for queue in rows[:MOST]]
    return found, wanted.count() - len(found) if len(rows) > MOST else 0
