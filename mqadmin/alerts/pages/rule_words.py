"""A rule in one sentence, and when its alerts end and are told again in another. Pure."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import fields
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import duration, number, size

_A = Rule.About


def sentence(rule: Rule) -> str:
    """Return when it fires: "A queue of “vhost:prod” has more than 1 000 ready messages, for 5 min."."""
    word = _WHAT.get(rule.about)
    parts = [word(rule) if word else rule.get_about_display()]
    if rule.queues:
        parts.append(_("among the queues “%(filter)s”") % {"filter": rule.queues})
    if rule.broker:
        parts.append(_("on %(broker)s") % {"broker": rule.broker})
    if rule.for_s:
        parts.append(_("for %(time)s") % {"time": duration(rule.for_s)})
    return prose.sentence_of(parts)


def aftermath(rule: Rule) -> str:
    """Return when its alerts are resolved, and how often they are told again."""
    fine = _("at once") if not rule.clear_s else _("after %(time)s") % {"time": duration(rule.clear_s)}
    if rule.clear_value is not None and rule.clear_value != rule.value:
        below = _("below") if rule.operator == Rule.Operator.ABOVE else _("above")
        fine += f" {below} {amount(rule, rule.clear_value)}"
    text = _("Resolved %(fine)s.") % {"fine": fine}
    if rule.about == _A.NEW_CAUSE:
        text = _("Resolved once none of its letters came for %(time)s.") % {
            "time": duration(rule.window_s + rule.clear_s)
        }
    if not rule.repeat_s:
        return text
    return prose.paragraph((text, _("Repeated every %(time)s.") % {"time": duration(rule.repeat_s)}))


def amount(rule: Rule, value: float | None) -> str:
    """Return what is compared as people read it: "15 min", "1 000 messages", "2.5 /s", "40 MB"."""
    if value is None:
        return ""
    if rule.about == _A.LAG or rule.field == "clears_in":
        return duration(value)
    if rule.field == "memory":
        return size(value)
    plain = number(value) if value == round(value) else f"{value:g}"
    found = fields.ALL.get(rule.field)
    return f"{plain} {found.unit}" if found else plain


def codes(rule: Rule) -> str:
    """Return the codes that it is narrowed to, as words."""
    return prose.listed(str(code).replace("_", " ") for code in rule.codes)


def _narrowed(rule: Rule, text: str) -> str:
    return f"{text} ({codes(rule)})" if rule.codes else text


def _verdict(rule: Rule) -> str:
    broken = rule.level == "broken"
    return _narrowed(rule, _("A queue is broken") if broken else _("A queue needs a look, or is broken"))


def _broker_reason(rule: Rule) -> str:
    broken = rule.level == "broken"
    return _narrowed(
        rule, _("A broker is in trouble") if broken else _("A broker needs a look, or is in trouble")
    )


def _number(rule: Rule) -> str:
    found = fields.ALL.get(rule.field)
    values = {"what": found.label if found else rule.field, "limit": amount(rule, rule.value)}
    if rule.operator == Rule.Operator.ABOVE:
        return _("A queue's %(what)s: above %(limit)s") % values
    return _("A queue's %(what)s: below %(limit)s") % values


def _lag(rule: Rule) -> str:
    return _("The oldest message of a queue waits longer than %(limit)s") % {
        "limit": amount(rule, rule.value)
    }


def _letters(rule: Rule) -> str:
    values = {"n": amount(rule, rule.value), "time": duration(rule.window_s)}
    return _("More than %(n)s dead letters arrive within %(time)s") % values


def _cause(rule: Rule) -> str:
    values = {"n": amount(rule, rule.value), "cause": codes(rule), "time": duration(rule.window_s)}
    return _("More than %(n)s dead letters of the cause %(cause)s arrive within %(time)s") % values


def _new_cause(_rule: Rule) -> str:
    return _("Messages die of a cause that was not there before")


def _consumer(rule: Rule) -> str:
    if not rule.codes:
        return _("A consumer is not as it should be")
    return _("The state of a consumer is %(states)s") % {"states": _(" or ").join(map(str, rule.codes))}


def _process_away(rule: Rule) -> str:
    if not rule.codes:
        return _("A process of mqadmin is away")
    words = (str(fields.PROCESSES.get(code, code)) for code in map(str, rule.codes))
    return _("Of mqadmin itself is away: %(what)s") % {"what": _(" or ").join(words)}


def _approval(rule: Rule) -> str:
    if not rule.codes:
        return _("An act needs a second person, or went ahead without one")
    words = (str(fields.APPROVALS.get(code, code)) for code in map(str, rule.codes))
    return _("A large act %(what)s") % {"what": _(" or ").join(words)}


_WHAT: dict[str, Callable[[Rule], str]] = {
    _A.VERDICT: _verdict,
    _A.BROKER_REASON: _broker_reason,
    _A.NUMBER: _number,
    _A.RATE: _number,
    _A.LAG: _lag,
    _A.LETTERS: _letters,
    _A.CAUSE: _cause,
    _A.NEW_CAUSE: _new_cause,
    _A.CONSUMER: _consumer,
    _A.BROKER_AWAY: lambda _rule: _("A broker does not answer"),
    _A.PROCESS_AWAY: _process_away,
    _A.APPROVAL: _approval,
}
