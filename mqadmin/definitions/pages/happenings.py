"""What definitions add to the line of what happened, and to charts: that something was changed, and by whom."""

from __future__ import annotations

from collections.abc import Iterable

from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.models import Version
from mqadmin.definitions.pages import words
from mqadmin.history.happenings import MOST, Asked, Happening
from mqadmin.queues.pages.broker_happenings import WHO

MOST_NAMED = 3
# What the monitor notes by itself (`queues.monitor.cluster.changes`): told here only where it is known who did it.
_NOTED = {kinds.POLICY, kinds.OPERATOR_POLICY, kinds.VHOST, kinds.QUEUE}


def happenings(asked: Asked) -> Iterable[Happening]:
    """Yield the versions of the broker's definitions; of one queue alone, those that changed what concerns it."""
    rows = Version.objects.filter(broker=asked.broker, at__gte=asked.since, at__lte=asked.until)
    for version in rows.exclude(since=None)[:MOST]:
        told = [(str(how), Key(kind, vhost, tuple(parts))) for how, kind, vhost, parts in version.told]
        count = sum(version.changed.values())
        if asked.queue is not None:
            told = [item for item in told if _concerns(item[1], *asked.queue)]
            count = len(told)
        if told and (version.who or any(key.kind not in _NOTED for _how, key in told)):
            tone: Tone = "amber" if any(how == "gone" for how, _key in told) else "blue"
            link = reverse("definitions_version", args=[version.pk])
            said = _said(told, count, words.names(version.who))
            about = frozenset((key.kind, f"{key.vhost}:{key.name}", how) for how, key in told)
            if count > len(told):  # not all are named: then nobody else tells of all
                about |= {("", str(version.pk), "")}
            known = 1 if version.who else 0
            yield Happening(version.at, said, WHO, tone, link, about, known, version.since)


def _said(told: list[tuple[str, Key]], count: int, who: list[str]) -> str:
    named = prose.listed(
        _("%(kind)s “%(name)s” %(how)s")
        % {"kind": words.kind(key.kind), "name": key.name, "how": words.how(how)}
        for how, key in told[:MOST_NAMED]
    )
    more = count - min(count, MOST_NAMED)
    if more:
        named = _("%(named)s and %(n)s more") % {"named": named, "n": number(more)}
    return _("%(what)s by %(who)s") % {"what": named, "who": prose.listed(who)} if who else named


def _concerns(key: Key, vhost: str, name: str) -> bool:
    """Whether a change of an object may be why a queue is as it is."""
    if key.vhost != vhost:
        return False
    if key.kind == kinds.BINDING:
        return key.parts[1:3] == ("queue", name)
    return key.kind in (kinds.POLICY, kinds.OPERATOR_POLICY, kinds.LIMIT) or (
        key.kind == kinds.QUEUE and key.parts[-1] == name
    )
