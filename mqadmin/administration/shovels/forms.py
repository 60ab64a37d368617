"""A shovel: fields for what people set, JSON for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.acting.forms import free_text
from mqadmin.administration.parameters.forms import DefinitionForm, UriField, ack_mode


class ShovelForm(DefinitionForm):
    """A shovel: from where, to where, how."""

    DEFINED = {
        "src_protocol": "src-protocol",
        "src_uri": "src-uri",
        "src_queue": "src-queue",
        "src_exchange": "src-exchange",
        "src_exchange_key": "src-exchange-key",
        "src_address": "src-address",
        "src_prefetch_count": "src-prefetch-count",
        "src_delete_after": "src-delete-after",
        "dest_protocol": "dest-protocol",
        "dest_uri": "dest-uri",
        "dest_queue": "dest-queue",
        "dest_exchange": "dest-exchange",
        "dest_exchange_key": "dest-exchange-key",
        "dest_address": "dest-address",
        "dest_add_forward_headers": "dest-add-forward-headers",
        "ack_mode": "ack-mode",
        "reconnect_delay": "reconnect-delay",
    }
    GROUPS = (
        (gettext_lazy("From"), "src_"),
        (gettext_lazy("To"), "dest_"),
    )
    _PROTOCOLS = [
        ("", "AMQP 0-9-1"),
        ("amqp10", "AMQP 1.0"),
        ("local", gettext_lazy("local (RabbitMQ 4.2 and later)")),
    ]

    src_uri = UriField(label=gettext_lazy("Address"), initial="amqp://")
    src_queue = free_text(
        gettext_lazy("Queue"),
        gettext_lazy("Declared where it is not there. All that is in it is taken away."),
    )
    src_exchange = free_text(
        gettext_lazy("or exchange"), gettext_lazy("A queue that goes with the shovel is bound to it.")
    )
    src_exchange_key = free_text(gettext_lazy("… with the routing key"))
    src_address = free_text(gettext_lazy("or address"), gettext_lazy("Of AMQP 1.0 alone."))
    src_protocol = forms.ChoiceField(required=False, label=gettext_lazy("Protocol"), choices=_PROTOCOLS)
    src_prefetch_count = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=65535,
        label=gettext_lazy("Messages in hand at most"),
    )
    src_delete_after = forms.CharField(
        required=False,
        label=gettext_lazy("Deletes itself after"),
        help_text=gettext_lazy("never, queue-length (what is in the queue at its start), or a number."),
    )
    dest_uri = UriField(label=gettext_lazy("Address"), initial="amqp://")
    dest_queue = free_text(gettext_lazy("Queue"))
    dest_exchange = free_text(gettext_lazy("or exchange"))
    dest_exchange_key = free_text(
        gettext_lazy("… with the routing key"), gettext_lazy("Empty: the key that each message came with.")
    )
    dest_address = free_text(gettext_lazy("or address"), gettext_lazy("Of AMQP 1.0 alone."))
    dest_protocol = forms.ChoiceField(required=False, label=gettext_lazy("Protocol"), choices=_PROTOCOLS)
    dest_add_forward_headers = forms.BooleanField(
        required=False, label=gettext_lazy("Add headers that say where a message came from")
    )
    ack_mode = ack_mode()
    reconnect_delay = forms.IntegerField(
        required=False, min_value=0, max_value=86400, label=gettext_lazy("Connects again after (s)")
    )

    def __init__(self, *args: Any, definition: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = dict(definition or {})
        defaults = {"ack-mode": "on-confirm", "src-protocol": "amqp091", "dest-protocol": "amqp091"}
        given = {key: value for key, value in given.items() if defaults.get(key) != value}
        super().__init__(*args, definition=given, **kwargs)

    def names(self) -> Iterator[forms.BoundField]:
        """Yield the fields of what it is called."""
        return (field for field in self.own_fields() if field.name in ("vhost", "name"))

    def ends(self) -> Iterator[tuple[str, list[forms.BoundField]]]:
        """Yield the fields of both its ends."""
        for title, begin in self.GROUPS:
            yield str(title), [field for field in self.own_fields() if field.name.startswith(begin)]

    def others(self) -> Iterator[forms.BoundField]:
        """Yield all other fields."""
        return (
            field
            for field in self.own_fields()
            if field.name not in ("vhost", "name") and not field.name.startswith(("src_", "dest_"))
        )

    def clean_src_delete_after(self) -> str | int | None:
        text = str(self.cleaned_data["src_delete_after"]).strip()
        if text.isdecimal():
            return int(text)
        if text not in ("", "never", "queue-length"):
            raise ValidationError(_("never, queue-length or a number."))
        return text or None

    def clean_dest_add_forward_headers(self) -> bool | None:
        return True if self.cleaned_data["dest_add_forward_headers"] else None
