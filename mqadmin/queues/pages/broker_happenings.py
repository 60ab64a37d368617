"""What happened to brokers, in words, on the line of all that happened: the events of `monitor.cluster.changes`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.rights import naming
from mqadmin.core.tones import Tone
from mqadmin.history.happenings import MOST, About, Asked, Happening
from mqadmin.queues.models import BrokerEvent
from mqadmin.queues.pages import broker_status

Params = Mapping[str, Any]
WHO = "RabbitMQ"
_MOST_READ = 2_000  # events, for who may know of some of them
# Of kinds of events, what was changed and how.
_CHANGED = {"vhost": "vhost", "policy": "policy", "operator_policy": "operator_policy", "queues": "queue"}
_CHANGES = {"made": "added", "declared": "added", "changed": "changed", "deleted": "gone", "gone": "gone"}


def happenings(asked: Asked) -> Iterable[Happening]:
    """Yield what happened to the broker; of one queue alone: what concerns it as well."""
    for event in _rows(asked):
        if asked.queue is None or _concerns(event, *asked.queue):
            what, tone = words(event.kind, event.params), _TONES.get(event.kind, "blue")
            about, detail = _about(event, asked.queue), _settings(event.params)
            yield Happening(event.at, what, WHO, tone, about=about, detail=detail)


def _rows(asked: Asked) -> Iterable[BrokerEvent]:
    """Return the newest events, as far as they are for who asks."""
    # Whose part of a broker a thing is in only Python knows: each of them has its own way to say so.
    rows = BrokerEvent._base_manager.filter(broker=asked.broker, at__gte=asked.since, at__lte=asked.until)
    rows = rows.order_by("-at", "-id")
    if naming.holds("view", asked.broker):
        return rows[:MOST]
    theirs = (event for event in rows[:_MOST_READ] if _is_theirs(event))
    return islice(theirs, MOST)


def _is_theirs(event: BrokerEvent) -> bool:
    """Whether who asks may know of an event: what became of nodes and of the broker concerns everybody on it. Of
    several queues it tells of those that may be seen."""
    params = event.params
    vhost = params.get("vhost")
    if vhost is None or naming.holds("view", event.broker, vhost):
        return naming.holds_inside(event.broker)
    if not event.kind.startswith("queues_"):
        return False
    names = naming.seen(event.broker, vhost, params["names"])
    event.params = {**params, "names": names, "count": len(names)}
    return bool(names)


def words(kind: str, params: Params) -> str:
    """Return an event in words; a kind from a newer version is shown as it is."""
    word = _WORDS.get(kind)
    return word(params) if word else kind.replace("_", " ")


def _concerns(event: BrokerEvent, vhost: str, name: str) -> bool:
    """Whether an event may be why a queue is as it is: what happens to nodes concerns all of them."""
    params = event.params
    if "vhost" in params and params["vhost"] != vhost:
        return False
    if event.kind.startswith("queues_"):
        return name in params["names"]
    return True


def _about(event: BrokerEvent, queue: tuple[str, str] | None) -> frozenset[About]:
    """Return which changes an event is, none where it does not name all of them; of one queue alone where given."""
    kind, params = event.kind, event.params
    thing, _line, how = kind.rpartition("_")
    if how not in _CHANGES or thing not in _CHANGED:
        return frozenset()
    if thing == "vhost":
        return frozenset([("vhost", f"{params['vhost']}:{params['vhost']}", _CHANGES[how])])
    if thing == "queues" and queue is not None:
        return frozenset([("queue", ":".join(queue), _CHANGES[how])])
    if params["count"] != len(params["names"]):
        return frozenset()
    names = (f"{params['vhost']}:{name}" for name in params["names"])
    return frozenset((_CHANGED[thing], name, _CHANGES[how]) for name in names)


def _split(params: Params) -> str:
    return _("%(node)s does not see %(others)s: the cluster is split") % {
        "node": params["node"],
        "others": prose.listed(params["others"]),
    }


def _unanswered(params: Params) -> str:
    return broker_status.fault(params["error"])[0]


def _names(params: Params) -> str:
    more = params["count"] - len(params["names"])
    names = prose.listed(params["names"])
    return names + (_(" and %(n)s more") % {"n": number(more)} if more > 0 else "")


def _policy(params: Params, text: str) -> str:
    """`text` names the policies and says what became of them."""
    what = _settings(params)
    found = text % {"names": _names(params), "vhost": params["vhost"]}
    return prose.labelled(found, what)


def _settings(params: Params) -> str:
    return prose.listed(_setting(*item) for item in params.get("what", ()))


def _setting(name: str, before: str, after: str) -> str:
    if before and after:
        return _("%(name)s %(before)s → %(after)s") % {"name": name, "before": before, "after": after}
    return f"{name} {after}" if after else _("%(name)s %(before)s → none") % {"name": name, "before": before}


def _queues_declared(params: Params) -> str:
    form = ngettext(
        "Queue declared in %(vhost)s: %(names)s",
        "%(n)s queues declared in %(vhost)s: %(names)s",
        params["count"],
    )
    return form % {"n": number(params["count"]), "names": _names(params), "vhost": params["vhost"]}


def _queues_gone(params: Params) -> str:
    form = ngettext(
        "Queue gone from %(vhost)s: %(names)s",
        "%(n)s queues gone from %(vhost)s: %(names)s",
        params["count"],
    )
    return form % {"n": number(params["count"]), "names": _names(params), "vhost": params["vhost"]}


_WORDS: dict[str, Callable[[Params], str]] = {
    "alarm_raised": lambda params: _("%(node)s raised its %(resource)s alarm") % params,
    "alarm_gone": lambda params: _("The %(resource)s alarm of %(node)s is gone") % params,
    "node_stopped": lambda params: _("%(node)s went down") % params,
    "node_started": lambda params: _("%(node)s started") % params,
    "node_back": lambda params: _("%(node)s is back") % params,
    "node_joined": lambda params: _("%(node)s joined the cluster") % params,
    "node_left": lambda params: _("%(node)s left the cluster") % params,
    "split": _split,
    "split_over": lambda params: _("%(node)s sees all others again") % params,
    "does_not_answer": _unanswered,
    "answers_again": lambda _params: _("The broker answers again"),
    "vhost_made": lambda params: _("Virtual host %(vhost)s was made") % params,
    "vhost_deleted": lambda params: _("Virtual host %(vhost)s was deleted") % params,
    "policy_made": lambda params: _policy(params, _("Policy %(names)s made in %(vhost)s")),
    "policy_changed": lambda params: _policy(params, _("Policy %(names)s changed in %(vhost)s")),
    "policy_deleted": lambda params: _policy(params, _("Policy %(names)s deleted from %(vhost)s")),
    "operator_policy_made": lambda params: _policy(params, _("Operator policy %(names)s made in %(vhost)s")),
    "operator_policy_changed": lambda params: _policy(
        params, _("Operator policy %(names)s changed in %(vhost)s")
    ),
    "operator_policy_deleted": lambda params: _policy(
        params, _("Operator policy %(names)s deleted from %(vhost)s")
    ),
    "queues_declared": _queues_declared,
    "queues_gone": _queues_gone,
}
_TONES: dict[str, Tone] = {
    "alarm_raised": "red",
    "alarm_gone": "green",
    "node_stopped": "red",
    "node_started": "green",
    "node_back": "green",
    "split": "red",
    "split_over": "green",
    "does_not_answer": "red",
    "answers_again": "green",
    "node_left": "amber",
    "vhost_deleted": "amber",
    "policy_deleted": "amber",
    "operator_policy_deleted": "amber",
    "queues_gone": "amber",
}
