"""A binding to make."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.arguments import ArgumentsForm
from mqadmin.administration.acting.forms import free_text


class BindingForm(ArgumentsForm):
    """What is bound to an exchange, and which messages it gets. `kind`: the exchange's type, "" if not known."""

    destination_type = forms.ChoiceField(
        label=_("Bind"), choices=[("queue", _("a queue")), ("exchange", _("an exchange"))]
    )
    destination = free_text(_("Its name"))
    routing_key = free_text(
        _("Routing key"), _("Of a topic exchange a pattern: * is one word, # any number of words.")
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
