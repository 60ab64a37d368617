"""What is typed for a second factor: a code, the name of a key, the password once more."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.accounts.two_factor import passkeys


class CodeForm(forms.Form):
    """A code of an app, or a recovery code."""

    code = forms.CharField(label=_("Code"), max_length=40)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "class": "form-control",
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "autofocus": True,
            "spellcheck": "false",
        }


class KeyForm(forms.Form):
    """What a browser answered, and what the key is to be called."""

    name = forms.CharField(label=_("Name"), max_length=passkeys.LONGEST_NAME, required=False)
    answer = forms.CharField(max_length=passkeys.LONGEST, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs |= {"class": "form-control", "autocomplete": "off"}


class PasswordForm(forms.Form):
    """One's own password once more."""

    password = forms.CharField(label=_("Password"), max_length=4_000, strip=False, widget=forms.PasswordInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs |= {
            "class": "form-control",
            "autocomplete": "current-password",
            "autofocus": True,
        }
