"""A restore of definitions that needs a second person: what is kept of it, and its plan in words.

Of a version its id is kept; of a file what it says, without secrets. One that brings secrets cannot wait: they are
kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.approvals.gate.gate import Asked, Foretold
from mqadmin.approvals.gate.size import Size
from mqadmin.core.errors import Refusal
from mqadmin.core.pages.formats import number
from mqadmin.definitions.acts import sources
from mqadmin.definitions.acts.planning import Scope, Step
from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.kinds import Key, Snapshot
from mqadmin.definitions.keeping import versions
from mqadmin.rabbit.effects.effect import Level

ACT = "definitions.restore"
_NAMED = 40  # objects that are named in what a second person reads


@dataclass(frozen=True)
class Source:
    """Where a restore takes its objects from. `brings`: some of them come with a secret that the broker lacks."""

    objects: Snapshot
    called: str
    version: int | None
    brings: bool = False


def asked(broker: str, found: Source, todo: Sequence[Step], scope: Scope, *, even_full: bool) -> Asked:
    """Return a restore as it is asked for; what holds messages is deleted only with `even_full`."""
    held = sum(step.messages or 0 for step in todo) if even_full else 0
    count = len(todo)
    text = ngettext("Restore %(n)s object: %(what)s", "Restore %(n)s objects: %(what)s", count)
    return Asked(
        ACT,
        broker,
        text % {"n": number(count), "what": found.called},
        {
            "broker": broker,
            "called": found.called,
            "steps": [step.id for step in todo],
            "vhost": scope.vhost,
            "object": scope.object_id,
            "even_full": even_full,
            "version": found.version,
        },
        Size(held, count + sum(step.inside for step in todo)),
        vhost=scope.vhost or "",
        foretell=lambda: _foretold(todo, even_full=even_full),
        besides=lambda: _besides(found),
    )


def _besides(found: Source) -> dict[str, Any]:
    """Return what a file says, to be kept. Raises Refusal where that would bring secrets."""
    if found.version is not None:
        return {}
    if found.brings:
        raise Refusal(
            _(
                "It needs a second person, and brings passwords or other secrets, which are kept nowhere: so it "
                "cannot wait. Leave these out, and set them by themselves."
            ),
            "secrets",
        )
    masked = secret.masked(found.objects, versions.mask())
    return {"objects": [[list(key), body] for key, body in masked.items()]}


def source(given: Mapping[str, Any]) -> Source:
    """Return what was kept. Raises Refusal (404) for a version that is kept no more."""
    if given["version"] is not None:
        kept = sources.found(str(given["version"]), given["broker"])
        return Source(kept.objects, given["called"], given["version"])
    objects = {Key(kind, vhost, tuple(parts)): body for (kind, vhost, parts), body in given["objects"]}
    return Source(objects, given["called"], None)


def _foretold(todo: Sequence[Step], *, even_full: bool) -> list[Foretold]:
    """Name what is deleted first, which is the worst of it."""
    told = []
    for step in sorted(todo, key=lambda step: step.act != "delete")[:_NAMED]:
        name = f"{step.key.vhost}:{step.key.name}" if step.key.vhost else step.key.name
        values = {"kind": step.key.kind.replace("_", " "), "name": name, "n": number(step.messages or 0)}
        level: Level = "stops" if step.act == "delete" else "tells"
        text = {
            "create": _("The %(kind)s %(name)s is made."),
            "change": _("The %(kind)s %(name)s is changed."),
            "delete": _("The %(kind)s %(name)s is deleted."),
        }[step.act]
        if step.messages and step.key.kind in (kinds.QUEUE, kinds.VHOST):
            level = "loses" if even_full else "tells"
            text = _("The %(kind)s %(name)s is deleted with %(n)s messages.")
            if not even_full:
                text = _("The %(kind)s %(name)s holds %(n)s messages and is left alone.")
        told.append(Foretold(level, text % values))
    if len(todo) > _NAMED:
        text = _("… and %(n)s objects more.") % {"n": number(len(todo) - _NAMED)}
        told.append(Foretold("tells", text))
    return told
