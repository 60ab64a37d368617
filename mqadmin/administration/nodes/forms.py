"""What is filled in about a cluster: its name."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm


class RenameForm(ActForm):
    """What the cluster is to be called."""

    name = forms.CharField(
        label=_("Name of the cluster"),
        strip=False,
        required=False,
        help_text=_("Federation and shovels tell clusters apart by it. No connection is cut."),
    )
