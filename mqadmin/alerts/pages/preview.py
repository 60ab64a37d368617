"""What a rule that is being written would be about now, by the rows that are there."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.alerts.acts import rules
from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import rule_words
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.core.tones import Tone
from mqadmin.rabbit.errors import ConfigurationError

_OF_QUEUES = (Rule.About.VERDICT, Rule.About.NUMBER, Rule.About.RATE, Rule.About.LAG)


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
        found = rules.forecast(rule)
    except ConfigurationError as error:
        return Preview(_("It cannot be tried now"), str(error), tone="amber")
    if found.fault:
        return Preview(_("It cannot be tried now"), found.fault, tone="amber")
    if not found.count:
        return Preview(_("It would fire for nothing now"), sentence, tone="green")
    if rule.about in _OF_QUEUES:
        title = ngettext(
            "It would fire for %(n)s queue now", "It would fire for %(n)s queues now", found.count
        )
    else:
        title = ngettext("It would fire once now", "It would fire %(n)s times now", found.count)
    if rule.for_s:
        sentence = prose.paragraph((sentence, _("Each must stay so for the time that is given.")))
    left = found.count - len(found.examples)
    more = _("and %(n)s more") % {"n": number(left)} if left else ""
    return Preview(
        title % {"n": number(found.count)}, sentence, list(found.examples), "amber", found.count, more
    )


def not_yet() -> Preview:
    """Return what stands there while the rule cannot be read."""
    return Preview(_("Fill it in, and here stands for how many queues it would fire now."))
