"""What is asked before an act on many queues."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy

from mqadmin.core.pages.forms import TypedForm, style


class ManyForm(TypedForm):
    """On a production broker its name must be typed for what cannot be undone: `must_type`."""

    not_typed = gettext_lazy("Type the name of the broker exactly.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        style(self)

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
    even_full = forms.BooleanField(
        required=False, label=gettext_lazy("Also those that hold messages: these are lost")
    )
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
