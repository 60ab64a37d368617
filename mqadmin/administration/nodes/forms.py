"""What is filled in about a cluster: its name."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm, free_text


class RenameForm(ActForm):
    """What the cluster is to be called."""

    name = free_text(
        _("Name of the cluster"), _("Federation and shovels tell clusters apart by it. No connection is cut.")
    )
