"""What is to be said before a conversion, or its undoing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm
from mqadmin.administration.converting import stages, words
from mqadmin.administration.converting.planning import Plan

_SAYS = _("Who publishes to it by its name is stopped")
_WHY = _(
    "While its name is absent, some milliseconds, what is published through the default exchange finds no queue: "
    "it is returned or dropped, and nothing can catch it. What comes through other exchanges is kept."
)


class QuietForm(ActForm):
    """Whether publishers are stopped."""

    publishers_stopped = forms.BooleanField(required=False, label=_SAYS, help_text=_WHY)


class ConvertForm(QuietForm):
    """The same, with the plan that is shown above it."""

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = plan

    def steps(self) -> list[str]:
        """Return what is done, in sentences."""
        return [words.title(name) for name in stages.NAMES if name != "finish"]
