"""The form that defines a consumer. What a definition may say is decided in `consumers.definitions.validation`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.models import construct_instance
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from consumers.definitions import consumer_timeout, validation, versions, wording
from consumers.definitions.definitions import FIELDS
from consumers.forms.options import OptionsForm
from consumers.forms.widgets import OffNumber, PlainNumber, dress
from consumers.handlers import registry
from consumers.handlers.registry import Handler
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.core.pages import prose

BATCH_FIELDS = ("batch_size", "batch_seconds")
# How long a message may be held goes by these.
HOLDING_FIELDS = ("timeout_seconds", "prefetch", "concurrency", *BATCH_FIELDS)


@dataclass(frozen=True)
class Section:
    """Fields that belong together. `folded`: behind a summary, as most people leave them alone.

    `changed`: how many are not at their default; a folded section says so, and is open, as with an error inside.
    """

    title: str
    help: str
    fields: list[forms.BoundField]
    folded: bool = False
    is_open: bool = False
    changed: int = 0

    @property
    def is_even(self) -> bool:
        """Whether four fields of one width fill a line."""
        return len(self.fields) == 4 and not {"records", "schedule"} & {field.name for field in self.fields}


class ConsumerForm(forms.ModelForm):  # type: ignore[type-arg]
    """Define or change a consumer. The handler's own options are the `options_form` inside it."""

    # What the person saw: a change made meanwhile is not overwritten.
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Consumer
        fields = ["name", "broker", *(name for name in FIELDS if name not in ("broker", "options"))]
        labels = wording.LABELS
        help_texts = wording.HELP
        widgets = {"mode": forms.RadioSelect, "ack": forms.RadioSelect}

    def __init__(self, data: Any = None, *, instance: Consumer | None = None, **kwargs: Any) -> None:
        super().__init__(data, instance=instance, **kwargs)
        self.is_new = instance is None or instance.pk is None
        self._choose_broker()
        self._choose_handler()
        if not self.is_new:
            del self.fields["name"]
            self.initial["seen"] = self.initial.get("seen") or versions.seen(self.instance)
        self._offer_names()
        for name, (low, high) in validation.LIMITS.items():
            is_whole = isinstance(self.fields[name], forms.IntegerField)
            self.fields[name].widget.attrs.update(min=low, max=high, step=1 if is_whole else "any")
        for field in self.fields.values():
            if isinstance(field, forms.FloatField):
                field.widget = PlainNumber(field.widget.attrs)
            dress(field.widget)
        handler = self.chosen_handler
        self._ask_where_it_applies(handler)
        given = self.data if self.is_bound else None
        stored = self.initial.get("options") or (self.instance.options if not self.is_new else {})
        self.options_form = OptionsForm(handler, given, stored=stored)

    def _offer_names(self) -> None:
        """Queues and virtual hosts that exist are offered while one types; a list of the first, without script."""
        for name, asked in (("vhost", "#id_broker"), ("queue", "#id_broker, #id_vhost")):
            field = self.fields[name]
            field.strip = False  # type: ignore[attr-defined]  # a name may begin or end with a space
            field.widget.attrs |= {
                "list": f"known-{name}s",
                "autocomplete": "off",
                "spellcheck": "false",
                "role": "combobox",
                "aria-autocomplete": "list",
                "aria-expanded": "false",
                "aria-controls": f"{name}-offers",
                "data-offers": reverse(f"consumer_{name}s"),
                "data-offers-with": asked,
            }

    def _ask_where_it_applies(self, handler: Handler | None) -> None:
        """Fields that are not shown are not asked for; see `batch_fields` and `clean`."""
        for name in BATCH_FIELDS:
            self.fields[name].required = handler is not None and handler.batch
        names = [("", _("nothing: no check for duplicates")), *Consumer.DedupeKey.choices]
        self.fields["dedupe_key"].widget.choices = names
        self.fields["dedupe_path"].strip = False  # type: ignore[attr-defined]  # a header's name is exact
        # A placeholder is what the style sheet tells an empty field by.
        self.fields["connection_retries"].widget.attrs["placeholder"] = _("as every other error")
        self.fields["placement"].widget.attrs |= {"placeholder": "zone=a, gpu", "spellcheck": "false"}
        # Empty is off: so the style sheet can tell, and grey what is then decided elsewhere.
        most = self.fields["autoscale_max"]
        most.required = False
        most.widget = OffNumber({**most.widget.attrs, "min": 1, "placeholder": _("off")})
        hours = {"placeholder": "mon-fri 08:00-18:00", "spellcheck": "false", "autocomplete": "off"}
        self.fields["schedule"].widget.attrs |= hours

    def _choose_broker(self) -> None:
        known = [(slug, config.title) for slug, config in brokers.configs().items()]
        chosen = self.instance.broker
        if chosen and chosen not in brokers.configs():
            known.append((chosen, _("%(slug)s (not configured)") % {"slug": chosen}))
        self.fields["broker"] = forms.ChoiceField(choices=known, label=_("Broker"))

    def _choose_handler(self) -> None:
        offered = [(found.name, prose.labelled(found.name, found.title)) for found in registry.offered()]
        chosen = self.instance.handler
        if chosen and chosen not in dict(offered):
            offered.append((chosen, chosen))
        first = [("", _("Choose one"))]
        self.fields["handler"] = forms.ChoiceField(choices=[*first, *offered], label=_("Handler"))

    @property
    def chosen_handler(self) -> Handler | None:
        """The handler that is chosen in the form as it stands, None when none is or it is not registered."""
        name = self["handler"].value() or ""
        try:
            return registry.get(name) if name else None
        except registry.HandlerError:
            return None

    @property
    def chosen_broker(self) -> str:
        """The slug of the broker that is chosen in the form as it stands."""
        return str(self["broker"].value() or next(iter(brokers.configs()), ""))

    def clean(self) -> dict[str, Any]:
        """Let fields that do not apply, and so were not seen, stand in nobody's way."""
        found = self.cleaned_data
        for name in BATCH_FIELDS:
            if self.add_prefix(name) not in self.data and name not in self.errors:
                found[name] = _default(name)
        if "autoscale_max" not in self.errors:
            found["autoscale_max"] = found.get("autoscale_max") or 0
        if found.get("dedupe_key", "") not in validation.PATH_KEYS and "dedupe_key" not in self.errors:
            found["dedupe_path"] = ""
        return found

    def _post_clean(self) -> None:
        """Check the definition as a whole, by the same rules as the API."""
        self.options_form.is_valid()
        self.instance = construct_instance(self, self.instance, list(self._meta.fields or []), None)
        self.instance.options = self.options_form.values
        for field, text in validation.problems(self.instance).items():
            if field.startswith(validation.OPTION):
                self.options_form.blame(field.removeprefix(validation.OPTION), text)
                continue
            place = field if field in self.fields else None
            if place is None or place not in self.errors:
                self.add_error(place, text)

    def is_valid(self) -> bool:
        return super().is_valid() and not self.options_form.errors

    @property
    def definition(self) -> dict[str, Any]:
        """The fields for `definitions.create` and `update`, once the form is valid."""
        fields = {name: self.cleaned_data[name] for name in FIELDS if name in self.cleaned_data}
        return {**fields, "options": self.options_form.values}

    @property
    def batch_fields(self) -> list[forms.BoundField]:
        """The fields of a batch: for a handler that takes one, and where there is something to say."""
        fields = [self[name] for name in BATCH_FIELDS]
        handler = self.chosen_handler
        takes = handler is not None and handler.batch
        return [field for field in fields if takes or field.errors]

    @cached_property
    def deadline_note(self) -> tuple[str, bool]:
        """What RabbitMQ's consumer timeout says to the definition as it stands, and whether that is a warning."""
        draft = Consumer(
            broker=self.chosen_broker,
            vhost=str(self["vhost"].value() or ""),
            queue=str(self["queue"].value() or ""),
            ack=str(self["ack"].value() or ""),
        )
        for name in HOLDING_FIELDS:
            field = self.fields[name]
            try:
                value = field.clean(self[name].value())
            except forms.ValidationError:
                continue  # said beside that field
            if value is not None and value >= validation.LIMITS[name][0]:
                setattr(draft, name, value)
        limit = consumer_timeout.of_consumer(draft)
        warning = consumer_timeout.warning(draft, limit)
        if warning or limit is None or draft.ack == Consumer.AckMode.AUTO:
            return warning, bool(warning)
        text = _("RabbitMQ takes a message back that is held for longer than %(limit)s.")
        return text % {"limit": limit.words}, False

    @property
    def sections(self) -> list[Section]:
        """Return the fields as the page shows them, after name, queue and handler."""
        return [
            self._section(folded, title, text, fields.split()) for folded, title, text, fields in _sections()
        ]

    def _section(self, folded: bool, title: str, text: str, names: list[str]) -> Section:
        fields = [self[name] for name in names]
        changed = sum(_plain(field.value()) != _plain(_default(field.name)) for field in fields)
        if "autoscale_max" in names and self["autoscale_max"].value() in ("", None):
            changed -= 1  # as good as 0
        is_open = changed > 0 or any(field.errors for field in fields)
        return Section(title, text, fields, folded, is_open, changed)


def _sections() -> list[tuple[bool, str, str, str]]:
    """Return (folded, title, sentence, fields) of each section of the form, in the request's language."""
    return [
        (
            False,
            _("How messages come"),
            _("Push, and acks once a message was handled, suit nearly every consumer."),
            "mode ack pull_interval",
        ),
        (
            False,
            _("How much at a time"),
            _("Start small: one process with a few threads keeps up with most queues."),
            "replicas concurrency prefetch rate_limit",
        ),
        (
            False,
            _("When a message fails"),
            _("It is tried again after a growing delay, then leaves for the queue's dead letters."),
            "retry_attempts retry_first_delay retry_factor retry_max_delay retry_jitter timeout_seconds "
            "deaths_limit on_failure",
        ),
        (
            True,
            _("When something cannot be reached"),
            _("A service that is down is no message's fault."),
            "connection_retries connection_delay connect_attempts",
        ),
        (
            True,
            _("Duplicates"),
            _("Handle a message once, though it comes twice."),
            "dedupe_key dedupe_path dedupe_seconds",
        ),
        (
            True,
            _("Records"),
            _("What was handled, with its outcome and log lines. Counters are exact in any case."),
            "records record_one_in body_capture body_cap",
        ),
        (
            True,
            _("Order, sharing, stopping"),
            _("Who is served first, and how long a stop may take."),
            "order consumer_priority exclusive stop_seconds",
        ),
        (
            True,
            _("Autoscale"),
            _("More processes while messages wait, fewer when the queue is short."),
            "autoscale_max autoscale_min autoscale_seconds",
        ),
        (
            True,
            _("Where and when"),
            _("On which hosts it may run, in which hours, and how much memory it may use."),
            "placement schedule memory_limit_mb single",
        ),
    ]


def _default(name: str) -> Any:
    return getattr(Consumer(), name)


def _plain(value: Any) -> str:
    """A value as typed or as stored, so that both can be compared."""
    if value is None or value is False:
        return ""
    return str(value).removesuffix(".0")
