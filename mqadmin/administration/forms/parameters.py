"""A parameter, a shovel, an upstream, a set of upstreams: fields for what people set, JSON for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.forms.base import ActForm, ArgumentsField
from mqadmin.rabbit.reading import jsontext

_URI = gettext_lazy(
    "amqp://user:password@host:5672/vhost, amqps:// for TLS, amqp:// for this broker; several: one a line. "
    "“•••” keeps the password that is there, for the same user and host."
)


class JsonField(forms.CharField):
    """Any JSON value."""

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value)).strip()
        if not text:
            raise ValidationError(_("A value is needed, as JSON."))
        try:
            return jsontext.strict(text)
        except (ValueError, RecursionError) as error:
            raise ValidationError(_("Not valid JSON: %(why)s.") % {"why": error}) from error


class UriField(forms.CharField):
    """One address, or several, one a line; cleaned to a text or a list, as RabbitMQ takes them."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})
        super().__init__(**{"required": False, "widget": widget, "help_text": _URI, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> str | list[str]:
        found = str(super().clean(value)).split()
        return found[0] if len(found) == 1 else found


class NamedForm(ActForm):
    """What is named by its virtual host and its name, where it is new."""

    vhost = forms.ChoiceField(label=gettext_lazy("Virtual host"))
    name = forms.CharField(label=gettext_lazy("Name"), strip=False, required=False)

    def __init__(self, *args: Any, vhosts: Sequence[str] = (), is_new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_new:
            self.fields["vhost"].choices = [(name, name) for name in vhosts]  # type: ignore[attr-defined]
        else:
            del self.fields["vhost"], self.fields["name"]


class ParameterForm(NamedForm):
    """A parameter of a virtual host, or a global one: without virtual host and component."""

    component = forms.CharField(
        required=False,
        label=gettext_lazy("Component"),
        help_text=gettext_lazy(
            "Whose it is, such as shovel. A global one has no component and no virtual host."
        ),
    )
    value = JsonField(
        required=False,
        label=gettext_lazy("Value"),
        help_text=gettext_lazy("As JSON: a table, a list, a number, a text in quotes. “•••” keeps a secret."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    field_order = ("vhost", "component", "name", "value")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "vhost" in self.fields:
            field = self.fields["vhost"]
            field.required = False
            field.choices = [("", _("none: of the whole broker")), *field.choices]  # type: ignore[attr-defined]
        else:
            del self.fields["component"]


class DefinitionForm(NamedForm):
    """A parameter whose value is a table. `DEFINED`: which field is which key of it; all else is in `more`.

    `values` are the names and the whole `definition`.
    """

    DEFINED: Mapping[str, str] = {}
    more = ArgumentsField(
        label=gettext_lazy("Other settings"),
        help_text=gettext_lazy("What has no field above, as a JSON object."),
    )

    def __init__(self, *args: Any, definition: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = dict(definition or {})
        initial = {**kwargs.pop("initial", {})}
        for field, key in self.DEFINED.items():
            if key in given:
                initial[field] = given.pop(key)
        if given:
            initial["more"] = json.dumps(given, ensure_ascii=False, indent=2)
        super().__init__(*args, initial=initial, **kwargs)
        self.order_fields([*(name for name in self.fields if name not in ("more", "typed")), "more", "typed"])

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        values = {key: found.pop(field, None) for field, key in self.DEFINED.items()}
        definition = {key: item for key, item in values.items() if item not in (None, "", [])}
        rest = found.pop("more", None) or {}
        if twice := sorted(definition.keys() & rest.keys()):
            self.add_error("more", ValidationError(_("%(key)s has a field above.") % {"key": twice[0]}))
        found["definition"] = {**definition, **rest}
        return found


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
    src_queue = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Queue"),
        help_text=gettext_lazy("Declared where it is not there. All that is in it is taken away."),
    )
    src_exchange = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("or exchange"),
        help_text=gettext_lazy("A queue that goes with the shovel is bound to it."),
    )
    src_exchange_key = forms.CharField(
        required=False, strip=False, label=gettext_lazy("… with the routing key")
    )
    src_address = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("or address"),
        help_text=gettext_lazy("Of AMQP 1.0 alone."),
    )
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
    dest_queue = forms.CharField(required=False, strip=False, label=gettext_lazy("Queue"))
    dest_exchange = forms.CharField(required=False, strip=False, label=gettext_lazy("or exchange"))
    dest_exchange_key = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("… with the routing key"),
        help_text=gettext_lazy("Empty: the key that each message came with."),
    )
    dest_address = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("or address"),
        help_text=gettext_lazy("Of AMQP 1.0 alone."),
    )
    dest_protocol = forms.ChoiceField(required=False, label=gettext_lazy("Protocol"), choices=_PROTOCOLS)
    dest_add_forward_headers = forms.BooleanField(
        required=False, label=gettext_lazy("Add headers that say where a message came from")
    )
    ack_mode = forms.ChoiceField(
        required=False,
        label=gettext_lazy("A message is acked"),
        choices=[
            ("", gettext_lazy("on-confirm: once it arrived (nothing is lost)")),
            ("on-publish", gettext_lazy("on-publish: once it is sent (may be lost)")),
            ("no-ack", gettext_lazy("no-ack: as soon as it is read (may be lost)")),
        ],
    )
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


class UpstreamForm(DefinitionForm):
    """An upstream: where it is, and how links to it behave."""

    DEFINED = {
        "uri": "uri",
        "exchange": "exchange",
        "queue": "queue",
        "expires": "expires",
        "message_ttl": "message-ttl",
        "max_hops": "max-hops",
        "prefetch_count": "prefetch-count",
        "reconnect_delay": "reconnect-delay",
        "ack_mode": "ack-mode",
        "trust_user_id": "trust-user-id",
    }
    uri = UriField(label=gettext_lazy("Address"))
    exchange = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Its exchange"),
        help_text=gettext_lazy("Empty: of the same name as here."),
    )
    queue = forms.CharField(
        required=False,
        strip=False,
        label=gettext_lazy("Its queue"),
        help_text=gettext_lazy("Empty: of the same name as here."),
    )
    expires = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**53,
        label=gettext_lazy("Its queue for a link is kept for (ms)"),
        help_text=gettext_lazy("While the link is down. Empty: for ever, so that it may fill the upstream."),
    )
    message_ttl = forms.IntegerField(
        required=False, min_value=0, max_value=2**53, label=gettext_lazy("Messages wait there for (ms)")
    )
    max_hops = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**31,
        label=gettext_lazy("Most hops of a message"),
        help_text=gettext_lazy("Of exchanges: 1 unless said otherwise."),
    )
    prefetch_count = forms.IntegerField(
        required=False, min_value=0, max_value=65535, label=gettext_lazy("Messages in hand at most")
    )
    reconnect_delay = forms.IntegerField(
        required=False, min_value=0, max_value=86400, label=gettext_lazy("Connects again after (s)")
    )
    ack_mode = ShovelForm.base_fields["ack_mode"]
    trust_user_id = forms.BooleanField(
        required=False, label=gettext_lazy("Trust the user-id that messages of it carry")
    )

    def __init__(self, *args: Any, definition: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        given = dict(definition or {})
        if given.get("ack-mode") == "on-confirm":
            del given["ack-mode"]
        super().__init__(*args, definition=given, **kwargs)

    def clean_trust_user_id(self) -> bool | None:
        return True if self.cleaned_data["trust_user_id"] else None


class SetForm(NamedForm):
    """A set of upstreams."""

    members = JsonField(
        required=False,
        label=gettext_lazy("Upstreams"),
        help_text=gettext_lazy(
            'A list, each names its upstream: [{"upstream": "one"}, {"upstream": "two"}].'
        ),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
    )
