"""The form of a role: its name, and its rules, of which those that are left empty are none."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.accounts.acts.roles import LONGEST_NAME, Given
from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.core.models import Grant
from mqadmin.core.pages.forms import style
from mqadmin.rabbit.errors import ConfigurationError

EMPTY = 3  # rules that one can fill in at a time
_LEVELS = [
    ("view", Grant.Level.VIEW.label),
    ("operate", Grant.Level.OPERATE.label),
    ("configure", Grant.Level.CONFIGURE.label),
]


class RuleForm(forms.Form):
    """One rule. Without a broker it is none."""

    broker = forms.CharField(label=_("Broker"), required=False, max_length=60)
    vhost = forms.CharField(label=_("Virtual host"), required=False, strip=False, max_length=255, initial="*")
    queue = forms.CharField(label=_("Queue"), required=False, strip=False, max_length=255, initial="*")
    level = forms.ChoiceField(label=_("May"), choices=_LEVELS, required=False)
    reveals = forms.BooleanField(label=_("sees what masks hide"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)
        self.fields["broker"].widget.attrs |= {"list": "brokers", "autocomplete": "off"}

    def clean(self) -> dict[str, Any]:
        """Say what is missing of a rule that has a part of what it needs."""
        values = dict(self.cleaned_data)
        if not values.get("broker") and (values.get("vhost", "*") != "*" or values.get("queue", "*") != "*"):
            self.add_error("broker", _("Of which broker? * is for every one."))
        return values

    @property
    def given(self) -> Given | None:
        """The rule; None where it was left empty."""
        values = self.cleaned_data
        if not values.get("broker"):
            return None
        return Given(
            values["broker"],
            values.get("vhost") or "*",
            values.get("queue") or "*",
            values.get("level") or "view",
            bool(values.get("reveals")),
        )


RuleForms = forms.formset_factory(RuleForm, extra=EMPTY, max_num=60)


class RoleForm(forms.Form):
    """What the role is called."""

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)

    def blame(self, refusal: Refusal) -> None:
        """Put what the act said beside the name, else above."""
        for field, text in refusal.fields.items() or {"": refusal.text}.items():
            self.add_error(field if field in self.fields else None, text)


def broker_offers() -> list[str]:
    """Return what may be chosen as a broker."""
    try:
        return ["*", *brokers.configs()]
    except ConfigurationError:
        return ["*"]
