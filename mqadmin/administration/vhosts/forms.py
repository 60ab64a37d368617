"""A virtual host to make or to change, a node to start it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm, free_text

TYPES = ("classic", "quorum", "stream")


class TagsField(forms.CharField):
    """Tags with commas between."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"required": False, "label": _("Tags"), **kwargs})

    def clean(self, value: Any) -> list[str]:
        found = (part.strip() for part in str(super().clean(value)).split(","))
        return [part for part in found if part]

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value


class VhostForm(ActForm):
    """What is said of a virtual host, and the type of queues that do not say theirs."""

    description = free_text(_("Description"))
    tags = TagsField(help_text=_("With commas between. For people: RabbitMQ makes nothing of them."))
    default_queue_type = forms.ChoiceField(
        required=False,
        label=_("Type of queues that do not say theirs"),
        choices=[("", _("as the broker has it")), *((name, name) for name in TYPES)],
        help_text=_("For those that are declared from then on. RabbitMQ 3.10 has none and passes it over."),
    )


class NewVhostForm(VhostForm):
    """A virtual host that is not there yet."""

    name = free_text(_("Name"))
    tracing = forms.BooleanField(
        required=False, label=_("Trace it: every message is copied to amq.rabbitmq.trace, which is slow")
    )
    field_order = ["name", "description", "tags", "default_queue_type", "tracing"]


class StartForm(ActForm):
    """The node on which a virtual host is to start again."""

    node = forms.ChoiceField(label=_("On the node"))

    def __init__(self, *args: Any, nodes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["node"].choices = [(name, name) for name in nodes]  # type: ignore[attr-defined]
