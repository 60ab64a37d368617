"""Who may use a queue or an exchange, and what new rights would allow, by RabbitMQ's rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import found_in, quoted
from mqadmin.administration.listing import reading
from mqadmin.administration.listing.reading import Seen
from mqadmin.administration.permissions import own, right_words
from mqadmin.administration.permissions.lists import PERMISSIONS, TOPIC_PERMISSIONS
from mqadmin.administration.permissions.right_words import Sentence
from mqadmin.core import brokers, permissions
from mqadmin.core.hooks import Panel
from mqadmin.core.remembered import Remembered
from mqadmin.core.rights import asking
from mqadmin.queues.models import Queue
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.topology import rights
from mqadmin.rabbit.topology.rights import Right, Who

MOST = 20  # names in one line
TEMPLATE = "administration/_who.html"


@dataclass(frozen=True)
class Line:
    """One thing that may be done: who may, the first few of them; of whom it cannot be told."""

    label: str
    may: Sequence[tuple[str, str]]
    more: int
    unsure: Sequence[str]


def queue_panel(queue: Queue, request: HttpRequest) -> Panel | None:  # noqa: ARG001
    """Say on a queue's page who may use it, by what is known: nothing is asked for here."""
    slug = queue.broker.slug
    if queue.gone_at is not None or slug not in brokers.configs():
        return None
    with asking.needing("view"):
        if not permissions.allows(slug, queue.vhost):  # who may enter is told to who may see the virtual host
            return None
    seen = reading.glance(slug, PERMISSIONS)
    return Panel(TEMPLATE, whose(slug, seen, queue.vhost, queue.name), is_last=True)


def whose(slug: str, seen: Seen, vhost: str, name: str) -> dict[str, Any]:
    """Return who may use a queue."""
    asked: list[tuple[str, Right, str]] = [
        (_("Read from it: consume, get, purge"), "read", name),
        (_("Publish into it by the default exchange"), "write", rights.DEFAULT_EXCHANGE),
        (_("Bind it to exchanges"), "write", name),
        (_("Declare and delete it"), "configure", name),
    ]
    note = _("Who publishes to another exchange that leads here is told on that exchange's page.")
    return _context(slug, seen, vhost, asked, note)


def whose_exchange(slug: str, seen: Seen, vhost: str, name: str, type: str) -> dict[str, Any]:
    """Return who may use an exchange."""
    asked: list[tuple[str, Right, str]] = [(_("Publish to it"), "write", name)]
    if name:
        asked += [
            (_("Bind to it"), "read", name),
            (_("Declare and delete it"), "configure", name),
        ]
    note = _("The default exchange is checked by the name “amq.default”.") if not name else ""
    if type == "topic":
        note = _("Topic permissions may allow less: certain routing keys alone.")
    return _context(slug, seen, vhost, asked, note)


def allowed(slug: str, values: Mapping[str, Any]) -> Panel | None:
    """Say what rights that are not set yet would allow, for their dialog."""
    expressions = {right: str(values.get(right) or "") for right in rights.RIGHTS}
    user, vhost = str(values.get("user") or ""), str(values.get("vhost") or "")
    item = Permission(user, vhost, **expressions)
    tried = str(values.get("try_name") or "")
    names = Queue.objects.filter(broker__slug=slug, vhost=vhost, gone_at__isnull=True)
    context = {
        "sentences": right_words.effective(item),
        "queues": _counts(expressions, list(names.values_list("name", flat=True))),
        "tried": tried,
        "results": _tried({str(right): rights.allows(expressions[right], tried) for right in rights.RIGHTS}),
    }
    return Panel("administration/_allowed.html", context)


def allowed_topic(slug: str, values: Mapping[str, Any]) -> Panel | None:  # noqa: ARG001
    """Say the same of topic permissions."""
    user, vhost = str(values.get("user") or ""), str(values.get("vhost") or "")
    write, read = str(values.get("write") or ""), str(values.get("read") or "")
    tried = str(values.get("try_name") or "")
    keys = {
        "write": rights.allows_topic(write, tried, user=user, vhost=vhost),
        "read": rights.allows_topic(read, tried, user=user, vhost=vhost),
    }
    told = (right_words.key_reach(rights.expanded(one, user=user, vhost=vhost)) for one in (write, read))
    may_write, may_read = told
    text = _("Publishes with %(write)s; binds with %(read)s.") % {"write": may_write, "read": may_read}
    context = {"sentences": [Sentence(text)], "tried": tried, "results": _tried(keys)}
    return Panel("administration/_allowed.html", context)


def of_user(permissions: Seen, topics: Seen, user: str) -> list[tuple[Permission, list[Sentence]]]:
    """Return a user's rights in each virtual host, in words."""
    mine = cast(list[TopicPermission], rows_of(topics, user=user))
    return [
        (item, right_words.effective(item, [topic for topic in mine if topic.vhost == item.vhost]))
        for item in cast(list[Permission], rows_of(permissions, user=user))
    ]


def rows_of(seen: Seen, **wanted: str) -> list[Any]:
    """Return the rows of a list that have these values, in its usual order."""
    table = seen.rows()
    columns = [(table.column(name), value) for name, value in wanted.items()]
    order = table.order(seen.kind.default_sort)
    return [table.row(place) for place in order if all(column[place] == value for column, value in columns)]


def seen_lists(slug: str) -> tuple[Seen, Seen]:
    """Return the lists of permissions and of topic permissions as they are known."""
    return reading.look(slug, PERMISSIONS), reading.look(slug, TOPIC_PERMISSIONS)


def _context(
    slug: str, seen: Seen, vhost: str, asked: Sequence[tuple[str, Right, str]], note: str
) -> dict[str, Any]:
    mine = own.names(slug)
    lines = [_line(label, _who(seen, slug, vhost, right, name), mine) for label, right, name in asked]
    return {
        "seen": seen,
        "lines": lines if seen.is_known else [],
        "note": note,
        "all": found_in("permission_list", slug, f"vhost:{quoted(vhost)}"),
    }


def _line(label: str, who: Who, mine: frozenset[str]) -> Line:
    shown = [(name, "own" if name in mine else "") for name in who.may[:MOST]]
    return Line(label, shown, max(0, len(who.may) - MOST), who.unsure[:MOST])


def _who(seen: Seen, slug: str, vhost: str, right: Right, name: str) -> Who:
    key = (slug, seen.listing.digest, vhost, right, name)
    found = _known.get(key)
    return found or _known.put(key, rights.who(rows_of(seen, vhost=vhost), right, name))


def _counts(expressions: Mapping[Right, str], names: Sequence[str]) -> list[tuple[str, int, int]]:
    labels: dict[Right, str] = {
        "read": _("read from"),
        "write": _("bind"),
        "configure": _("declare and delete"),
    }
    return [
        (label, sum(rights.allows(expressions[right], name) is True for name in names), len(names))
        for right, label in labels.items()
    ]


def _tried(results: Mapping[str, bool | None]) -> list[tuple[str, str, str]]:
    words = {True: (_("yes"), "green"), False: (_("no"), "grey"), None: (_("cannot be told"), "amber")}
    return [(right, *words[told]) for right, told in results.items()]


_known: Remembered[Who] = Remembered(500)
