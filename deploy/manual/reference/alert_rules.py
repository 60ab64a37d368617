"""The rules of alerts that are there from the first start, in the words of their page."""

from __future__ import annotations

from deploy.manual.reference.markdown import plain, table
from deploy.manual.words import said
from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import rule_words
from mqadmin.alerts.rules import built_in
from mqadmin.core.wording import worded


def rules() -> str:
    """Return all of them."""
    found = [Rule(built_in=key, **values) for key, values in built_in.RULES.items()]
    rows = [
        (
            f"**{plain(worded(rule.name))}**",
            plain(rule_words.sentence(_wide(rule))),
            plain(rule.get_severity_display()),
            plain(rule_words.aftermath(rule)),
            _narrowed(rule),
        )
        for rule in found
    ]
    head = ("rule", "fires", "severity", "ends, and is told again", "only for")
    return table([said(name) for name in head], rows)


def _wide(rule: Rule) -> Rule:
    """Return the rule without the verdicts that it is narrowed to, which have a column."""
    return Rule(**{**built_in.RULES[rule.built_in], "codes": []}) if rule.about in _VERDICTS else rule


def _narrowed(rule: Rule) -> str:
    return ", ".join(
        f"[{plain(code)}](verdicts.md#{code})" if rule.about in _VERDICTS else code for code in rule.codes
    )


_VERDICTS = (Rule.About.VERDICT, Rule.About.BROKER_REASON)
