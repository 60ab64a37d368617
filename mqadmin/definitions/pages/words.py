"""Objects, differences and steps in words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.differing import Change, Difference
from mqadmin.definitions.comparing.kinds import Key

LONGEST = 200  # characters of a value in a sentence


def kind(name: str) -> str:
    """Return what objects of a kind are called: RabbitMQ's own terms."""
    return {
        kinds.VHOST: _("virtual host"),
        kinds.USER: _("user"),
        kinds.PERMISSION: _("permission of user"),
        kinds.TOPIC_PERMISSION: _("topic permission of user"),
        kinds.PARAMETER: _("parameter"),
        kinds.GLOBAL_PARAMETER: _("global parameter"),
        kinds.LIMIT: _("limits of the virtual host"),
        kinds.OPERATOR_POLICY: _("operator policy"),
        kinds.POLICY: _("policy"),
        kinds.EXCHANGE: _("exchange"),
        kinds.QUEUE: _("queue"),
        kinds.BINDING: _("binding"),
    }[name]


def kinds_counted(counts: Mapping[str, int]) -> str:
    """Return "3 queues, 2 exchanges", in the order in which one looks for them."""
    order = (kinds.VHOST, kinds.QUEUE, kinds.EXCHANGE, kinds.BINDING, kinds.POLICY, kinds.USER)
    told = [_counted(name, counts[name]) for name in order if counts.get(name)]
    rest = sum(count for name, count in counts.items() if name not in order)
    if rest:
        told.append(ngettext("%(n)s other", "%(n)s others", rest) % {"n": number(rest)})
    return prose.listed(told)


def _counted(name: str, count: int) -> str:
    text = {
        kinds.VHOST: ngettext("%(n)s virtual host", "%(n)s virtual hosts", count),
        kinds.QUEUE: ngettext("%(n)s queue", "%(n)s queues", count),
        kinds.EXCHANGE: ngettext("%(n)s exchange", "%(n)s exchanges", count),
        kinds.BINDING: ngettext("%(n)s binding", "%(n)s bindings", count),
        kinds.POLICY: ngettext("%(n)s policy", "%(n)s policies", count),
        kinds.USER: ngettext("%(n)s user", "%(n)s users", count),
    }[name]
    return text % {"n": number(count)}


def how(name: str) -> str:
    """Return the word for what became of an object."""
    return {"added": _("added"), "gone": _("gone"), "changed": _("changed")}[name]


def change(item: Change) -> str:
    """Return "max-length: 10 → 20" for one value that differs."""
    path = " · ".join(item.path)
    if item.path == ("password_hash",) or (secret.is_masked(item.before) and secret.is_masked(item.after)):
        return _("%(path)s: another secret") % {"path": path}
    return prose.labelled(path, f"{value(item.before)} → {value(item.after)}")


def value(given: Any) -> str:
    """Return a value as JSON, cut where it is long; "none" for what is not there."""
    if given is None:
        return _("none")
    text = json.dumps(given, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def called(key: Key) -> str:
    """Return "queue orders in /": an object in a sentence of a terminal or a log."""
    name = kind(key.kind)
    if key.kind in (kinds.VHOST, *kinds.WITHOUT_VHOST):
        return f"{name} “{key.name}”"
    return _("%(kind)s “%(name)s” in “%(vhost)s”") % {"kind": name, "name": key.name, "vhost": key.vhost}


def difference(item: Difference) -> str:
    """Return one difference in a sentence."""
    told = prose.labelled(how(item.how), called(item.key))
    details = [change(each) for each in item.changes]
    return prose.aside(told, prose.listed(details)) if details else told


def totals(changed: Mapping[str, int]) -> str:
    """Return "2 added, 1 gone, 3 changed", without what is none; "nothing" for no difference at all."""
    told = [
        f"{number(changed[name])} {how(name)}" for name in ("added", "gone", "changed") if changed.get(name)
    ]
    return prose.listed(told) or _("nothing")


def act(step: Step) -> str:
    """Return the word for what a step does."""
    return {
        "create": _("create"),
        "change": _("change"),
        "delete": _("delete"),
        "conflict": _("cannot be changed"),
        "blocked": _("left alone"),
    }[step.act]


def why(step: Step) -> str:
    """Return what must be known of a step beside what it does; "" for nothing."""
    if step.act == "conflict":
        return _conflict(step)
    if step.act == "blocked":
        return _blocked(step)
    if step.act == "delete":
        return _deletion(step)
    if step.key.kind == kinds.USER and not step.brings_password:
        if step.act == "create":
            return _("Its password is not kept: it comes without one, and cannot sign in until one is set.")
        return _("It keeps the password that it has now.")
    return ""


def _conflict(step: Step) -> str:
    details = prose.listed(change(each) for each in step.changes)
    if step.key.kind == kinds.QUEUE:
        text = _(
            "RabbitMQ never changes a queue in place (%(what)s). Move its messages, delete it, then restore it."
        )
    else:
        text = _("RabbitMQ never changes an exchange in place (%(what)s). Delete it, then restore it.")
    return text % {"what": details}


def _blocked(step: Step) -> str:
    return {
        "own_user": _("mqadmin signs in as this user: it does not change what it needs itself."),
        "secret": _(
            "It holds a secret that is kept nowhere, and the broker has it no more: make it by hand, or import a "
            "file that holds it."
        ),
        "password": _("Its password was changed since, and the one before is kept nowhere."),
        "reserved": _("Names that begin with “amq.” are the broker's own: it makes them itself."),
    }[step.why]


def _deletion(step: Step) -> str:
    if step.key.kind == kinds.VHOST:
        inside = ngettext("%(n)s object goes with it.", "%(n)s objects go with it.", step.inside)
        return prose.paragraph((inside % {"n": number(step.inside)}, _held(step)))
    return _held(step) if step.key.kind == kinds.QUEUE else ""


def _held(step: Step) -> str:
    if step.messages is None:
        return _("Whether it holds messages is not known.")
    if not step.messages:
        return _("It holds no messages.")
    text = ngettext("It holds %(n)s message.", "It holds %(n)s messages.", step.messages)
    return text % {"n": number(step.messages)}


def names(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return who is named in a version's `who`, each once; of a user of the broker it is said."""
    return list(dict.fromkeys(_name(item) for item in items))


def _name(item: Mapping[str, Any]) -> str:
    name = str(item.get("actor", ""))
    return _("%(name)s (user of the broker)") % {"name": name} if item.get("told") else name


def outcome(name: str) -> str:
    """Return the word for what became of a step."""
    return {
        "": _("waits"),
        "sent": _("sent"),
        "done": _("done"),
        "failed": _("failed"),
        "changed": _("not done"),
    }[name]
