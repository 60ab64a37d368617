"""What a person can do about a queue's trouble: buttons beside its verdict, by name. Apps above add their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.hooks import Link
from mqadmin.queues.models import Queue

Cure = Callable[[Queue], Link]
_cures: dict[str, Cure] = {}


def register(name: str, cure: Cure) -> None:
    """Set what stands for a name of `wording.TABLE`: "consume", "consumers", "letters", "map", "track"."""
    _cures[name] = cure


def links(queue: Queue, names: Iterable[str]) -> list[Link]:
    """Return the buttons of those names that some app knows, each once."""
    return [_cures[name](queue) for name in dict.fromkeys(names) if name in _cures]


def _purge(queue: Queue) -> Link:
    return Link(_("Purge…"), reverse("queue_purge", args=[queue.pk]), needs="operate")


def _move(queue: Queue) -> Link:
    return Link(_("Move…"), reverse("queue_move", args=[queue.pk]), needs="operate")


def _publish(queue: Queue) -> Link:
    return Link(_("Publish one…"), reverse("queue_publish", args=[queue.pk]), needs="operate")


def _nodes(queue: Queue) -> Link:
    return Link(_("Look at the nodes"), f"{reverse('overview')}?{urlencode({'broker': queue.broker.slug})}")


register("purge", _purge)
register("move", _move)
register("publish", _publish)
register("nodes", _nodes)
