"""An exchange to declare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.arguments import ArgumentsForm
from mqadmin.administration.acting.forms import free_text
from mqadmin.administration.exchanges.acts import DELAYED

OWN_TYPES = ("direct", "topic", "fanout", "headers")


class ExchangeForm(ArgumentsForm):
    """What an exchange is declared with. `vhosts`, `types`: those of the broker, [] where it does not say."""

    vhost = forms.ChoiceField(label=_("Virtual host"))
    name = free_text(_("Name"))
    type = forms.ChoiceField(label=_("Type"), initial="direct")
    delayed_type = forms.ChoiceField(
        required=False,
        label=_("Then it is"),
        choices=[("", "–"), *((name, name) for name in OWN_TYPES)],
        help_text=_("For x-delayed-message alone: how it routes once the delay is over."),
    )
    alternate_exchange = free_text(
        _("Alternate exchange"),
        _("Gets what no binding takes. Without one such messages are returned or dropped."),
    )
    durable = forms.BooleanField(
        required=False, initial=True, label=_("Durable: survives a restart of the broker")
    )
    auto_delete = forms.BooleanField(
        required=False, label=_("Auto-delete: goes when the last binding to it does")
    )
    internal = forms.BooleanField(required=False, label=_("Internal: only other exchanges may publish to it"))

    def __init__(self, *args: Any, vhosts: Sequence[str], types: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["vhost"].choices = [(name, name) for name in vhosts]  # type: ignore[attr-defined]
        if DELAYED not in types:
            del self.fields["delayed_type"]  # the broker has no exchange that delays
        self.fields["type"].choices = [(name, name) for name in types or OWN_TYPES]  # type: ignore[attr-defined]
