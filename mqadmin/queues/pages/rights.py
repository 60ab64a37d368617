"""What mqadmin's user may not see of a broker, in words: each missing right with what would give it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.rights import naming
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import broker_wording

NAMED = 5  # virtual hosts


@dataclass(frozen=True)
class Note:
    """What is not seen: `code` for programs; what it is, why, and the command that would cure it, "" for none."""

    code: str
    title: str
    text: str
    cure: str


def notes(broker: Broker | None) -> list[Note]:
    """Return what is not seen of the broker; [] where everything is. It names virtual hosts: it is for who may see
    all of the broker."""
    if broker is None or not naming.holds("view", broker.slug):
        return []
    return [*_rights(broker.unseen), *_unknown(broker)]


def _rights(unseen: dict[str, Any]) -> list[Note]:
    if not unseen:
        return []
    found = []
    if unseen["everything"]:
        found.append(_no_vhost(unseen["user"]))
    elif unseen["vhosts"]:
        found.append(_hidden(unseen["user"], unseen["vhosts"], counted=not unseen["nodes"]))
    if unseen["nodes"]:
        found.append(_no_nodes(unseen["user"], unseen["tags"], knows_alarms=not unseen["alarms"]))
    return found


def _unknown(broker: Broker) -> Iterator[Note]:
    """Yield what verdicts do not know, and no right of its user would tell them."""
    for reason in broker.reasons:
        if reason["level"] == "unknown" and reason["params"].get("why") != "tag_missing":
            words = broker_wording.told(reason)
            yield Note(reason["code"], words.title, prose.paragraph((words.evidence, words.advice)), "")


def is_blind(broker: Broker | None) -> bool:
    """Whether no virtual host is to be seen, so that the lack of queues says nothing."""
    return bool(broker is not None and broker.unseen.get("everything"))


def _no_vhost(user: str) -> Note:
    return Note(
        "no_permission",
        _("No virtual host can be seen"),
        _("The broker's user “%(user)s” has no permission on any: how many queues there are is not known.")
        % {"user": user},
        _permit("/", user),
    )


def _hidden(user: str, vhosts: list[str], *, counted: bool) -> Note:
    count = len(vhosts)
    title = ngettext("%(n)d virtual host cannot be seen", "%(n)d virtual hosts cannot be seen", count)
    more = _(" and %(n)d more") % {"n": count - NAMED} if count > NAMED else ""
    text = _(
        "The broker's user “%(user)s” has no permission on: %(names)s%(more)s. Their queues are not known"
    )
    text += _(", though the broker's totals count them.") if counted else "."
    values = {"user": user, "names": prose.listed(vhosts[:NAMED]), "more": more}
    return Note("no_permission", title % {"n": count}, text % values, _permit(vhosts[0], user))


def _no_nodes(user: str, tags: list[str], *, knows_alarms: bool) -> Note:
    text = _(
        "The broker's user “%(user)s” lacks the tag “monitoring”: memory and disk of the nodes are not known, nor "
        "are connections, nor virtual hosts that it has no permission on, and totals are those of the others."
    )
    alarms = "" if knows_alarms else _(" Nor is it known whether an alarm blocks publishers.")
    cure = (
        f"rabbitmqctl set_user_tags {shlex.quote(user)} {' '.join(map(shlex.quote, [*tags, 'monitoring']))}"
    )
    return Note("no_monitoring", _("The nodes cannot be seen"), text % {"user": user} + alarms, cure)


def _permit(vhost: str, user: str) -> str:
    return f"rabbitmqctl set_permissions -p {shlex.quote(vhost)} {shlex.quote(user)} '.*' '.*' '.*'"
