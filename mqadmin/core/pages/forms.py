"""Forms of the core: a name that must be typed, sign-in, the audit log's filter."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from mqadmin.core import unseen
from mqadmin.core.access import sign_on
from mqadmin.core.models import AuditEntry


def style(form: forms.BaseForm) -> None:
    """Give each field the class of its kind, and none the browser's own suggestions."""
    for field in form.fields.values():
        checks = isinstance(field.widget, forms.CheckboxInput | forms.RadioSelect)
        select = isinstance(field.widget, forms.Select)
        name = "form-check-input" if checks else "form-select" if select else "form-control"
        field.widget.attrs |= {"class": name, "autocomplete": "off"}


class TypedForm(forms.Form):
    """A form of an act before which a word must be typed: `must_type`, "" for none."""

    typed = forms.CharField(required=False, strip=False)
    not_typed: str | Any = _("Type the name exactly.")

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.must_type = must_type

    def clean_typed(self) -> str:
        """Refuse anything else than the word."""
        typed = str(self.cleaned_data["typed"])
        if self.must_type and not unseen.is_typed(typed, self.must_type):
            raise forms.ValidationError(self.not_typed)
        return typed


class SignInForm(AuthenticationForm):
    """Name and password; a wrong pair gets one sentence that does not tell which of them was wrong."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("That name and password do not belong together."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    def clean(self) -> dict[str, Any]:
        """Look at the password, unless passwords open nothing here."""
        if not sign_on.may_use_password(self.cleaned_data.get("username", "")):
            raise forms.ValidationError(
                _("Passwords are switched off here: sign on the way your company does."), code="no_passwords"
            )
        return super().clean()


class AuditFilter(forms.Form):
    """Who, what (from its beginning), since when. What cannot be read does not filter, and is marked."""

    actor = forms.CharField(required=False, label=_("Who"), max_length=150)
    action = forms.CharField(required=False, label=_("What"), max_length=60)
    since = forms.DateTimeField(
        required=False,
        label=_("Since"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def apply(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Return the rows that match."""
        self.is_valid()
        wanted = self.cleaned_data
        if wanted.get("actor"):
            rows = rows.filter(actor__iexact=wanted["actor"].strip())
        if wanted.get("action"):
            rows = rows.filter(action__istartswith=wanted["action"].strip())
        if wanted.get("since"):
            rows = rows.filter(at__gte=wanted["since"])
        return rows

    @property
    def is_filtered(self) -> bool:
        """Whether anything is asked for."""
        return any(self.data.get(name) for name in self.fields)
