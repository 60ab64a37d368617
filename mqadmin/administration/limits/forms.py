"""A limit to set."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm
from mqadmin.rabbit.administration.limits import NAMES, Of


class LimitForm(ActForm):
    """A limit and its value."""

    limit = forms.ChoiceField(label=_("Limit"))
    value = forms.IntegerField(
        label=_("At most"), min_value=0, help_text=_("0 lets nothing in. What is over it already stays.")
    )

    def __init__(self, *args: Any, of: Of, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"].choices = [(name, name) for name in NAMES[of]]  # type: ignore[attr-defined]
