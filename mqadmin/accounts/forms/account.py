"""The forms of a new account and of a new token. What they take is checked by the acts, as for the API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.accounts.pages import shown
from mqadmin.core.errors import Refusal
from mqadmin.core.models import ApiToken
from mqadmin.core.pages import prose
from mqadmin.core.pages.forms import style

NEVER = "never"


class _Form(forms.Form):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)

    def blame(self, refusal: Refusal) -> None:
        """Put what an act said beside the fields that it blames, else above them."""
        for name, text in refusal.fields.items():
            self.add_error(name if name in self.fields else None, text)
        if not refusal.fields:
            self.add_error(None, refusal.text)


class NewAccount(_Form):
    """Who, and what they may. Without a password a random one is made."""

    name = forms.CharField(label=_("Name"), max_length=150)
    role = forms.ChoiceField(label=_("Role"), widget=forms.RadioSelect, initial="viewer")
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        max_length=500,
        widget=forms.PasswordInput,
        help_text=_("Leave it empty for a random one, which is shown once."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = self.fields["role"]
        assert isinstance(roles, forms.ChoiceField)
        roles.choices = [(role, prose.labelled(label, words)) for role, label, words in shown.role_words()]
        if len(shown.own_roles()):
            roles.choices.insert(0, ("", str(_("none for everything: it gets roles for a part afterwards"))))
            roles.required = False
        self.fields["password"].widget.attrs["autocomplete"] = "new-password"


class NewToken(_Form):
    """What it is for, the most that it may, and for how long."""

    name = forms.CharField(label=_("What it is for"), max_length=100)
    level = forms.ChoiceField(label=_("May at most"), choices=ApiToken.Level.choices, initial="view")
    days = forms.ChoiceField(
        label=_("Opens nothing after"),
        choices=[
            ("7", _("7 days")),
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("a year")),
            (NEVER, _("never: until it is revoked")),
        ],
        initial="90",
    )
    broker = forms.CharField(label=_("Broker"), required=False, max_length=60, initial="*")
    vhost = forms.CharField(label=_("Virtual host"), required=False, strip=False, max_length=255, initial="*")
    queue = forms.CharField(label=_("Queue"), required=False, strip=False, max_length=255, initial="*")

    def part(self) -> list[forms.BoundField]:
        """Return the fields that say with what it may."""
        return [self[name] for name in ("broker", "vhost", "queue")]

    @property
    def part_has_errors(self) -> bool:
        """Whether one of these is to blame."""
        return any(field.errors for field in self.part())

    def main(self) -> list[forms.BoundField]:
        """Return the others."""
        return [field for field in self if field.name not in ("broker", "vhost", "queue")]

    def clean(self) -> dict[str, Any]:
        """Take what was left empty for all."""
        return {
            name: (value or "*") if name in ("broker", "vhost", "queue") else value
            for name, value in self.cleaned_data.items()
        }

    def clean_days(self) -> int | None:
        """Return the days, None for good."""
        found = self.cleaned_data["days"]
        return None if found == NEVER else int(found)
