"""Why connections are closed."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm
from mqadmin.rabbit.administration.connections import LONGEST_REASON


class CloseForm(ActForm):
    """The reason that clients are told."""

    reason = forms.CharField(
        required=False,
        max_length=LONGEST_REASON,
        label=_("Why"),
        help_text=_("The client is told, and most write it to their log. Empty, it says who closed it."),
    )
