"""What is asked before an act on many queues."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core import unseen
from mqadmin.core.pages.forms import style


class ManyForm(forms.Form):
    """On a production broker its name must be typed for what cannot be undone: `must_type`."""

    typed = forms.CharField(required=False, strip=False)

    def __init__(self, *args: Any, must_type: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.must_type = must_type
        style(self)

    def clean_typed(self) -> str:
        typed = str(self.cleaned_data["typed"])
        if self.must_type and not unseen.is_typed(typed, self.must_type):
            raise ValidationError(_("Type the name of the broker exactly."))
        return typed

    @property
    def own(self) -> list[forms.BoundField]:
        """The fields of this act alone."""
        return [self[name] for name in self.fields if name != "typed"]


class PurgeMany(ManyForm):
    snapshot = forms.BooleanField(
        required=False,
        label=gettext_lazy("Keep a copy of each for seven days, so that they can be put back"),
    )


class DeleteMany(ManyForm):
    even_full = forms.BooleanField(required=False, label=gettext_lazy("Also those that hold messages"))
    even_used = forms.BooleanField(
        required=False, label=gettext_lazy("Also those that somebody consumes from")
    )


class OwnerMany(ManyForm):
    owner = forms.CharField(
        required=False, label=gettext_lazy("Owner"), help_text=gettext_lazy("Empty: nobody.")
    )


class MuteMany(ManyForm):
    hours = forms.TypedChoiceField(
        coerce=int,
        label=gettext_lazy("For how long"),
        choices=[
            (1, gettext_lazy("1 hour")),
            (4, gettext_lazy("4 hours")),
            (8, gettext_lazy("8 hours")),
            (24, gettext_lazy("1 day")),
            (168, gettext_lazy("7 days")),
            (0, gettext_lazy("not at all: unmute them")),
        ],
    )

    @property
    def until(self) -> datetime | None:
        hours = self.cleaned_data["hours"]
        return timezone.now() + timedelta(hours=hours) if hours else None
