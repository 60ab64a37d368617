"""A node for a new member, which queues get one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm


class MemberForm(ActForm):
    """On which node a queue gets a member. `nodes`: those without one."""

    node = forms.ChoiceField(label=_("Node"))

    def __init__(self, *args: Any, nodes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["node"].choices = [(name, name) for name in nodes]  # type: ignore[attr-defined]


class GrowForm(ActForm):
    """Which quorum queues get a member on a node."""

    vhost_pattern = forms.CharField(
        label=_("Virtual hosts that match"),
        strip=False,
        required=False,
        initial=".*",
        help_text=_("A regular expression; .* is any."),
    )
    queue_pattern = forms.CharField(label=_("Queues that match"), strip=False, required=False, initial=".*")
    strategy = forms.ChoiceField(
        label=_("Of these"),
        choices=[("all", _("all")), ("even", _("those with an even number of members"))],
    )
