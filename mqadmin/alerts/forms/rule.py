"""The form of a rule. Which fields apply goes by what it is about; the style sheet hides the others."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mqadmin.alerts.forms.fields import AmountField, WhileField, broker_field, dress, queues_field, written
from mqadmin.alerts.models import Rule, Severity
from mqadmin.alerts.rules import fields as compared

LISTED = "codes"


class RuleForm(forms.Form):
    """A rule: what, where, how much, for how long, how bad."""

    name = forms.CharField(max_length=120)
    about = forms.ChoiceField(initial=Rule.About.NUMBER)
    level = forms.ChoiceField(required=False, initial="broken")
    codes = forms.CharField(required=False, max_length=1000)
    field = forms.ChoiceField(required=False, initial="ready")
    operator = forms.ChoiceField(required=False, choices=Rule.Operator.choices, initial=Rule.Operator.ABOVE)
    value = AmountField()
    clear_value = AmountField()
    window_s = WhileField(required=False, initial=600)
    for_s = WhileField(initial=60)
    clear_s = WhileField(initial=60)
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int, initial=Severity.WARNING)
    repeat_s = WhileField(initial=4 * 3600)
    is_on = forms.BooleanField(required=False, initial=True)

    def __init__(self, data: Any = None, *, rule: Rule | None = None, initial: Any = None) -> None:
        super().__init__(data, initial={**(stored(rule) if rule else {}), **(initial or {})})
        self.rule = rule
        self.fields["broker"] = broker_field(rule.broker if rule else "")
        self.fields["queues"] = queues_field()
        self.fields["about"].choices = abouts()  # type: ignore[attr-defined]
        self.fields["level"].choices = [  # type: ignore[attr-defined]
            ("broken", _("broken")),
            ("watch", _("needs a look, or broken")),
        ]
        self.fields["field"].choices = [  # type: ignore[attr-defined]
            (_("Numbers"), [(key, field.label) for key, field in compared.NUMBERS.items()]),
            (_("Rates"), [(key, field.label) for key, field in compared.RATES.items()]),
        ]
        self.fields["codes"].widget.attrs |= {"placeholder": "no_consumers, full", "spellcheck": "false"}
        if rule is not None and rule.built_in:
            self.fields["about"].disabled = True
        for name, (label, text) in words().items():
            self.fields[name].label = label
            if text:
                self.fields[name].help_text = text
        dress(self)

    def as_sent(self) -> dict[str, Any]:
        """Return what a browser would send of the form as it is shown first."""
        shown = {name: self[name].value() for name in self.fields}
        return {name: value for name, value in shown.items() if value not in (None, False)}

    @property
    def values(self) -> dict[str, Any]:
        """What the service takes; of what does not apply to the kind, the model's own defaults."""
        found = dict(self.cleaned_data)
        found[LISTED] = [word for word in found[LISTED].replace(",", " ").split() if word]
        if found["about"] == Rule.About.NUMBER:
            found["about"] = Rule.About.RATE if found["field"] in compared.RATES else Rule.About.NUMBER
        else:
            found["field"], found["operator"] = "", Rule.Operator.ABOVE
        if found["about"] not in (Rule.About.VERDICT, Rule.About.BROKER_REASON):
            found["level"] = ""
        if found["window_s"] is None:
            found["window_s"] = 600
        return found


def abouts() -> list[tuple[str, Any]]:
    """Return what a rule may be about; numbers and rates are one choice, the field says which."""
    found: dict[str, Any] = {value: label for value, label in Rule.About.choices if value != Rule.About.RATE}
    found[Rule.About.NUMBER] = _("a number or a rate of a queue")
    return list(found.items())


def stored(rule: Rule) -> dict[str, Any]:
    """Return what the form shows of a rule that is there."""
    names = (*RuleForm.base_fields, "broker", "queues")
    values = {name: getattr(rule, name) for name in names}
    values[LISTED] = ", ".join(str(code) for code in rule.codes)
    if rule.about == Rule.About.RATE:
        values["about"] = Rule.About.NUMBER
    if rule.about == Rule.About.LAG:
        values |= {name: written(values[name]) for name in ("value", "clear_value")}
    return values


def words() -> dict[str, tuple[str, str]]:
    """Return the label of each field, and what stands under it."""
    return {
        "name": (_("Name"), _("Stands in each message.")),
        "about": (_("What it is about"), ""),
        "level": (_("At least"), ""),
        "codes": (_("Only these"), _("Words with commas between them. Empty: any.")),
        "field": (_("What is compared"), ""),
        "operator": (_("Is"), ""),
        "value": (_("Limit"), ""),
        "clear_value": (_("Fine again beyond"), _("Empty: beyond the limit itself.")),
        "window_s": (_("Counted over"), ""),
        "for_s": (_("Fires after"), _("It must hold for so long.")),
        "clear_s": (_("Resolved after"), _("It must be fine for so long.")),
        "severity": (_("Severity"), ""),
        "repeat_s": (_("Repeated every"), _("While nobody acknowledges it. 0: never.")),
        "is_on": (_("On"), ""),
    }
