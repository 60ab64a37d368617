"""The form of a channel. It takes names of environment variables; an address that is typed is not shown again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mqadmin.alerts.forms.fields import broker_field, dress, queues_field
from mqadmin.alerts.models import Channel, Severity
from mqadmin.alerts.rules import variables
from mqadmin.core.pages import prose

_TIMES = ("quiet_from", "quiet_until")


class VariableField(forms.CharField):
    """The name of a variable. What holds a secret, an address typed here by mistake, is never sent back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=500, **options)
        self.widget.attrs |= {
            "spellcheck": "false",
            "placeholder": f"{variables.PREFIX}OPS",
            "list": "variables",
        }

    def bound_data(self, data: Any, initial: Any) -> Any:  # noqa: ARG002
        return "" if is_address(str(data or "")) else data

    def clean(self, value: Any) -> Any:
        if is_address(str(value or "")):
            raise forms.ValidationError(
                _("That is an address: put it into an environment variable, and the variable's name here.")
            )
        return super().clean(value)


class ChannelForm(forms.Form):
    """A channel: how, to whom, of what, when."""

    name = forms.CharField(max_length=80)
    kind = forms.ChoiceField(
        choices=Channel.Kind.choices, widget=forms.RadioSelect, initial=Channel.Kind.APPRISE
    )
    variable = VariableField()
    secret_variable = VariableField(required=False)
    is_on = forms.BooleanField(required=False, initial=True)
    severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int, initial=Severity.INFO)
    after_minutes = forms.IntegerField(min_value=0, max_value=7 * 24 * 60, initial=0)
    quiet_from = forms.TimeField(required=False)
    quiet_until = forms.TimeField(required=False)
    time_zone = forms.CharField(required=False, max_length=60)
    quiet_severity = forms.TypedChoiceField(choices=Severity.choices, coerce=int, initial=Severity.CRITICAL)

    def __init__(self, data: Any = None, *, channel: Channel | None = None) -> None:
        super().__init__(data, initial=stored(channel) if channel else {})
        self.channel = channel
        self.fields["broker"] = broker_field(channel.broker if channel else "")
        self.fields["queues"] = queues_field()
        for name in _TIMES:
            self.fields[name].widget = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
        self.fields["time_zone"].widget.attrs |= {"placeholder": "Europe/Berlin", "spellcheck": "false"}
        for name, (label, text) in words().items():
            self.fields[name].label = label
            if text:
                self.fields[name].help_text = text
        dress(self)


def is_address(text: str) -> bool:
    """Whether a text looks like an address and not like a name."""
    return any(sign in text for sign in ":/@?")


def stored(channel: Channel) -> dict[str, Any]:
    """Return what the form shows of a channel that is there."""
    return {name: getattr(channel, name) for name in (*ChannelForm.base_fields, "broker", "queues")}


def words() -> dict[str, tuple[str, str]]:
    """Return the label of each field, and what stands under it."""
    return {
        "name": (_("Name"), _("Who is told: ops, on call, #alerts.")),
        "kind": (_("How"), ""),
        "variable": (
            _("Environment variable of the address"),
            prose.paragraph(
                (
                    _("Its name only. Set it where the monitor and the web processes are started."),
                    _("Is the address a plain http:// or https:// one? Choose the signed webhook above."),
                )
            ),
        ),
        "secret_variable": (
            _("Environment variable of the secret"),
            _("What each call is signed with, so that the receiver knows it is from here."),
        ),
        "is_on": (_("On"), ""),
        "severity": (_("Told of"), _("This severity and worse.")),
        "after_minutes": (
            _("Only after so many minutes"),
            _("Escalation: told of what nobody acknowledged by then. 0: at once."),
        ),
        "quiet_from": (_("Quiet from"), ""),
        "quiet_until": (_("Quiet until"), ""),
        "time_zone": (_("Time zone"), _("Of the quiet hours. Empty: the server's.")),
        "quiet_severity": (
            _("Passes in quiet hours"),
            _("This severity and worse; the rest waits."),
        ),
    }
