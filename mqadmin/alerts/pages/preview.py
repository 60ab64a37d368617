"""What a rule that is being written would be about now, by the rows that are there."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import rule_words
from mqadmin.alerts.seeing import looking, world
from mqadmin.alerts.seeing.of_letters import Letters
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.rabbit.errors import ConfigurationError

SHOWN = 5


@dataclass(frozen=True)
class Preview:
    """`count`: for how many it would fire, in words `title`; `names`: the first of them, from outside."""

    title: str
    sentence: str = ""
    names: list[str] = field(default_factory=list)
    tone: Tone = "grey"
    count: int = 0
    more: str = ""


def of(rule: Rule) -> Preview:
    """Return what a rule is about now. A few queries; no broker is asked."""
    sentence = rule_words.sentence(rule)
    try:
        found = looking.look([rule], world.look(timezone.now()), Letters())
    except ConfigurationError as error:
        return Preview(_("It cannot be tried now"), str(error), tone="amber")
    if found.faults:
        return Preview(_("It cannot be tried now"), " ".join(found.faults.values()), tone="amber")
    hits = [hit for hit in found.hits.values() if hit.holds]
    names = sorted(hit.subject.name or hit.subject.broker or "mqadmin" for hit in hits)
    if not hits:
        return Preview(_("It would fire for nothing now"), sentence, tone="green")
    count = number(len(hits))
    kinds = {hit.subject.kind for hit in hits}
    if kinds == {"queue"}:
        title = ngettext("It would fire for %(n)s queue now", "It would fire for %(n)s queues now", len(hits))
    else:
        title = ngettext("It would fire once now", "It would fire %(n)s times now", len(hits))
    if rule.for_s:
        sentence += " " + _("Each must stay so for the time that is given.")
    more = _("and %(n)s more") % {"n": number(len(names) - SHOWN)} if len(names) > SHOWN else ""
    return Preview(title % {"n": count}, sentence, names[:SHOWN], "amber", len(hits), more)


def not_yet() -> Preview:
    """Return what stands there while the rule cannot be read."""
    return Preview(_("Fill it in, and here stands for how many queues it would fire now."))
