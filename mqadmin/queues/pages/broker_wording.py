"""What is wrong with a broker in words: the codes and numbers of `monitor.cluster`, told to people.

Each reason has a title, its evidence, what to do about it, and where that is done or told at length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.hooks import Attention, Link
from mqadmin.core.pages import prose
from mqadmin.core.rights import naming
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import client_words, listing, node_words
from mqadmin.queues.pages.node_words import Told
from mqadmin.queues.pages.sentences import Params, since

_DOCS = "https://www.rabbitmq.com/docs/"


def told(reason: Mapping[str, Any]) -> Told:
    """Return a reason in words; a code from a newer version is shown as it is."""
    word = WORDS.get(str(reason["code"]))
    return word(reason.get("params", {})) if word else Told(str(reason["code"]).replace("_", " "), "")


def text(reason: Mapping[str, Any]) -> str:
    """Return what is said below the title: since when, the evidence, the advice."""
    began = reason.get("since")
    when = _("Since %(time)s.") % {"time": since(began)} if began else ""
    return prose.paragraph((when, _text(reason)))


def _text(reason: Mapping[str, Any]) -> str:
    words = told(reason)
    return prose.paragraph((words.evidence, words.advice))


def sentences(reasons: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for each reason: its title and its evidence."""
    return [prose.paragraph((prose.ended(words.title), words.evidence)) for words in map(told, reasons)]


def theirs(broker: Broker) -> list[dict[str, Any]]:
    """Return what is wrong with a broker, as far as it is for who asks: that of its nodes concerns everybody on it,
    that of clients is told to who may see all of it."""
    if naming.holds("view", broker.slug):
        return list(broker.reasons)
    return [reason for reason in broker.reasons if reason["code"] in node_words.WORDS]


def attention(broker: Broker) -> Iterator[Attention]:
    """Yield what needs attention; what is merely not known is said among the rights (`pages.rights`)."""
    for reason in theirs(broker):
        if reason["level"] in ("broken", "watch"):
            began = datetime.fromtimestamp(reason["since"], UTC) if reason.get("since") else None
            title, actions = told(reason).title, links(reason, broker.slug)
            yield Attention(reason["level"], title, _text(reason), actions, began)


def links(reason: Mapping[str, Any], slug: str) -> list[Link]:
    """Return where the reason is cured, or told at length."""
    words, found = told(reason), []
    if words.sort:
        address = reverse("queue_list") + listing.QueueSearch(slug, sort=words.sort).address()
        found.append(Link(_("Queues"), address))
    if words.docs:
        found.append(Link(_("More about it"), _DOCS + words.docs))
    return found


WORDS: dict[str, Callable[[Params], Told]] = {**node_words.WORDS, **client_words.WORDS}
