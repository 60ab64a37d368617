"""A parameter, and what the forms of those have in common that plugins read: names, addresses, a definition."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.acting.forms import ActForm, ArgumentsField, free_text
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


def ack_mode() -> forms.ChoiceField:
    """Return the field for when what moves messages acks them; "" is RabbitMQ's own choice, on-confirm."""
    return forms.ChoiceField(
        required=False,
        label=gettext_lazy("A message is acked"),
        choices=[
            ("", gettext_lazy("on-confirm: once it arrived (nothing is lost)")),
            ("on-publish", gettext_lazy("on-publish: once it is sent (may be lost)")),
            ("no-ack", gettext_lazy("no-ack: as soon as it is read (may be lost)")),
        ],
    )


class NamedForm(ActForm):
    """What is named by its virtual host and its name, where it is new."""

    vhost = forms.ChoiceField(label=gettext_lazy("Virtual host"))
    name = free_text(gettext_lazy("Name"))

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
