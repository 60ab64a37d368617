"""An exchange to declare, a binding to make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acts.exchanges import DELAYED
from mqadmin.administration.forms.arguments import ArgumentsForm

OWN_TYPES = ("direct", "topic", "fanout", "headers")


class ExchangeForm(ArgumentsForm):
    """What an exchange is declared with. `vhosts`, `types`: those of the broker, [] where it does not say."""

    vhost = forms.ChoiceField(label=_("Virtual host"))
    name = forms.CharField(label=_("Name"), strip=False, required=False)
    type = forms.ChoiceField(label=_("Type"), initial="direct")
    delayed_type = forms.ChoiceField(
        required=False,
        label=_("Then it is"),
        choices=[("", "–"), *((name, name) for name in OWN_TYPES)],
        help_text=_("For x-delayed-message alone: how it routes once the delay is over."),
    )
    alternate_exchange = forms.CharField(
        required=False,
        strip=False,
        label=_("Alternate exchange"),
        help_text=_("Gets what no binding takes. Without one such messages are returned or dropped."),
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


class BindingForm(ArgumentsForm):
    """What is bound to an exchange, and which messages it gets. `kind`: the exchange's type, "" if not known."""

    destination_type = forms.ChoiceField(
        label=_("Bind"), choices=[("queue", _("a queue")), ("exchange", _("an exchange"))]
    )
    destination = forms.CharField(label=_("Its name"), strip=False, required=False)
    routing_key = forms.CharField(
        required=False,
        strip=False,
        label=_("Routing key"),
        help_text=_("Of a topic exchange a pattern: * is one word, # any number of words."),
    )
    x_match = forms.ChoiceField(
        required=False,
        label=_("Of a headers exchange: a message must have"),
        choices=[
            ("", _("all of the arguments (as by default)")),
            ("all", _("all of them, said so: x-match all")),
            ("any", _("any of them: x-match any")),
            ("all-with-x", _("all of them, also those that begin with x-")),
            ("any-with-x", _("any of them, also those that begin with x-")),
        ],
        help_text=_("The arguments below are the headers that it looks for."),
    )

    def __init__(self, *args: Any, kind: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind in ("direct", "topic", "fanout"):
            del self.fields["x_match"]
        if kind in ("headers", "fanout"):
            self.fields["routing_key"].help_text = _("It decides nothing here, but tells bindings apart.")

    def clean(self) -> None:
        super().clean()
        way = self.cleaned_data.pop("x_match", "")
        arguments = self.cleaned_data["arguments"]
        if way and arguments.get("x-match", way) != way:
            self.add_error("x_match", gettext("Your JSON says another x-match."))
        elif way:
            self.cleaned_data["arguments"] = {**arguments, "x-match": way}
