"""Why is it stuck? The causes in the order in which a message meets them, each with its evidence. Pure.

A step is ticked (`ok` True), stands in the way (False), or nothing can be said of it (None).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number, rate
from mqadmin.queues.pages.sentences import since
from mqadmin.queues.why import leaving
from mqadmin.queues.why.facts import Facts


@dataclass(frozen=True)
class Step:
    """`code` for programs, `title` and `text` (the evidence) for people, `href` to where it is cured or seen: an
    anchor of the queue's page or an address."""

    code: str
    title: str
    ok: bool | None
    text: str
    href: str = ""

    @property
    def mark(self) -> str:
        return {True: "ok", False: "bad", None: "open"}[self.ok]


Found = tuple[bool | None, str, str]
"""ok, evidence, href."""


def walk(facts: Facts) -> list[Step]:
    """Return the steps in order. Behind one that makes the others moot there are none."""
    found = [Step("there", _("It is there and up"), *_there(facts))]
    if facts.seen != "live":
        return found
    for code, title, judge in _steps():
        found.append(Step(code, title, *judge(facts)))
    if facts.readers:
        found.insert(4, Step("managed", _("Our own consumers run"), *_managed(facts)))
    if facts.is_delay or facts.info.delayed:
        found.append(Step("held", _("It lets messages go at once"), *leaving.held(facts)))
    return found


def _steps() -> list[tuple[str, str, Callable[[Facts], Found]]]:
    return [
        ("accepts", _("The broker takes what is published"), _accepts),
        ("arrives", _("Messages arrive"), _arrives),
        ("subscribed", _("Somebody is subscribed"), _subscribed),
        ("delivered", _("They are delivered"), leaving.delivered),
        ("acked", _("They are acked"), leaving.acked),
        ("kept", _("None is lost on the way"), leaving.kept),
        ("dead_letters", _("Dead letters arrive somewhere"), leaving.dead_letters),
    ]


def verdict(steps: list[Step]) -> str:
    """Return what stands in the way, in a sentence."""
    wrong = [step for step in steps if step.ok is False]
    if wrong:
        return wrong[0].text
    if any(step.ok is None for step in steps):
        return _("Nothing that is known stands in its way.")
    return _("Nothing stands in its way.")


def _there(facts: Facts) -> Found:
    info = facts.info
    if facts.seen == "gone":
        return False, _("The broker has no queue of this name any more."), ""
    if facts.seen == "down":
        return False, _("Its node %(node)s is away.") % {"node": info.node or "–"}, ""
    if facts.seen == "unasked":
        return None, facts.fault or _("The broker does not answer."), ""
    if info.lacks_majority:
        text = _("%(away)s of its %(members)s members are away (%(names)s): it serves nobody.")
        return False, text % _members(facts), "#queue-members"
    if info.state in ("stopped", "crashed", "down", "minority", "terminated"):
        return False, _("The broker says it is %(state)s: it serves nobody.") % {"state": info.state}, ""
    if info.members and info.node is None:
        return False, _("No member leads it: it serves nobody until one is elected."), "#queue-members"
    parts = [_("It is %(state)s") % {"state": info.state or _("running")}]
    if info.node:
        led = _("led from %(node)s") if info.members else _("on %(node)s")
        parts.append(led % {"node": info.node})
    if info.away:
        parts.append(
            _("%(away)s of %(members)s members away (%(names)s), a majority is there") % _members(facts)
        )
    elif len(info.members) > 1:
        parts.append(_("all %(members)s members there") % _members(facts))
    return True, prose.sentence_of(parts), "#queue-members" if len(info.members) > 1 else ""


def _members(facts: Facts) -> dict[str, object]:
    info = facts.info
    return {"away": len(info.away), "members": len(info.members), "names": prose.listed(info.away)}


def _accepts(facts: Facts) -> Found:
    if facts.alarms:
        what = prose.paragraph(
            {"memory": _("The memory alarm is on."), "disk": _("The disk alarm is on.")}.get(name, name)
            for name in facts.alarms
        )
        return False, _("%(what)s The broker blocks everybody who publishes.") % {"what": what}, "/"
    if facts.is_full and facts.refuses:
        text = _("It is full at its limit of %(limit)s: publishers are refused.")
        return False, text % {"limit": number(facts.limit)}, "#queue-settings"
    if facts.info.state == "flow":
        return None, _("In flow control: the broker slows its publishers down, since it cannot keep up."), ""
    return True, _("No alarm, and there is room."), ""


def _arrives(facts: Facts) -> Found:
    info = facts.info
    if info.publish_rate:
        return True, _("%(rate)s/s come in.") % {"rate": rate(info.publish_rate)}, "#queue-flow"
    if facts.dead_letters_from:
        names = prose.listed(facts.dead_letters_from[:3])
        return (
            None,
            _("Nothing is published; dead letters may come from %(names)s.") % {"names": names},
            "#queue-flow",
        )
    waits = bool(info.total)
    if facts.bindings is None:
        return None, _("Nothing comes in now; its bindings could not be read."), ""
    if not facts.bindings:
        text = _(
            "Nothing comes in now. Only the default exchange leads here, by its name: no other binding does."
        )
        return True if waits else None, text, "#queue-bindings"
    text = ngettext(
        "Nothing comes in now, though %(n)s binding leads here%(last)s: nobody publishes what matches it.",
        "Nothing comes in now, though %(n)s bindings lead here%(last)s: nobody publishes what matches them.",
        len(facts.bindings),
    )
    last = _(" (last seen %(at)s)") % {"at": since(facts.active_at)} if facts.active_at else ""
    text = text % {"n": number(len(facts.bindings)), "last": last}
    return True if waits else None, text, "#queue-flow"


def _subscribed(facts: Facts) -> Found:
    info, count = facts.info, len(facts.holders) or (facts.info.consumers or 0)
    if not count:
        if not info.ready and not info.delayed:
            return None, _("Nobody is, and nothing waits."), "#queue-consumers"
        if facts.is_delay:
            return True, _("Nobody is, as it should be: it only holds messages for a while."), ""
        if facts.is_inbox:
            return None, _("Nobody is: dead letters wait here for people."), "#queue-consumers"
        gone = _(" since %(at)s") % {"at": since(facts.absent_at)} if facts.absent_at else ""
        text = _("Nobody has been subscribed%(since)s, and %(ready)s wait.")
        return False, text % {"since": gone, "ready": number(info.ready)}, "#queue-consumers"
    ours = sum(holder.reader is not None for holder in facts.holders)
    text = ngettext("%(n)s consumer,", "%(n)s consumers,", count) % {"n": number(count)}
    if not ours:
        text = prose.paragraph((text, _("none of them run by mqadmin.")))
    elif ours >= count:
        text = prose.paragraph((text, _("all of them ours.")))
    else:
        others = _("%(ours)s ours, %(others)s of others.")
        text = prose.paragraph((text, others % {"ours": number(ours), "others": number(count - ours)}))
    alone = next((holder for holder in facts.holders if holder.consumer.exclusive), None)
    if alone is not None:
        text = prose.paragraph(
            (text, _("%(who)s holds it exclusively: nobody else may.") % {"who": alone.who})
        )
    elif facts.is_single_active:
        text = prose.paragraph((text, _turn(facts)))
    return True, text, "#queue-readers"


def _turn(facts: Facts) -> str:
    active = next((holder for holder in facts.holders if holder.consumer.active), None)
    if active is None:
        return _("One at a time is given messages; the broker does not say which.")
    return _("One at a time is given messages: now it is %(who)s, the others wait their turn.") % {
        "who": active.who
    }


def _managed(facts: Facts) -> Found:
    lame = [reader for reader in facts.readers if not reader.runs]
    if not lame:
        return (
            True,
            _("%(names)s.") % {"names": prose.listed(item.name for item in facts.readers)},
            "#queue-consumers",
        )
    first = lame[0]
    text = _("%(name)s is %(state)s. %(words)s") % {
        "name": first.name,
        "state": first.label,
        "words": first.words,
    }
    wanted = any(reader.meant for reader in lame)
    is_needed = wanted or (not any(reader.runs for reader in facts.readers) and not facts.holders)
    stops = is_needed and bool(facts.info.ready) and not facts.is_delay
    return False if stops else None, text.strip(), first.href
