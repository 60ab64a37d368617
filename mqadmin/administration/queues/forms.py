"""A queue to declare, what is bound to one, how one is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm, ArgumentsField, free_text
from mqadmin.core.pages.forms import style
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import TYPES, Argument, Version

Text = str | Promise

# What each argument is called, and what it does. Times are in milliseconds, as RabbitMQ has them.
GROUPS: tuple[tuple[Text, dict[str, tuple[Text, Text]]], ...] = (
    (
        _("How much it holds, and for how long"),
        {
            "x-message-ttl": (
                _("Message TTL, ms"),
                _("A message that waits longer goes: dead-lettered, or lost without an exchange for it."),
            ),
            "x-max-length": (_("Most messages"), _("Beyond it the overflow rule below decides what goes.")),
            "x-max-length-bytes": (
                _("Most bytes"),
                _(
                    "The same by the size of the bodies. Of a stream: how much it keeps before old segments go."
                ),
            ),
            "x-overflow": (
                _("When it is full"),
                _("drop-head: the oldest go. reject-publish: publishers are refused. Without it drop-head."),
            ),
            "x-max-age": (
                _("Keep for"),
                _("7D, 12h, 30m: older segments go. Without any limit a stream grows for ever."),
            ),
            "x-stream-max-segment-size-bytes": (
                _("Segment size, bytes"),
                _("Only whole segments go: the larger, the later. Without it 500 MB."),
            ),
            "x-stream-filter-size-bytes": (
                _("Filter size, bytes"),
                _("16 to 255, for consumers that filter: the more values, the larger. Without it 16."),
            ),
            "x-expires": (
                _("Delete when unused for, ms"),
                _("Without a consumer, a get or a declaration for so long it goes, with all that is in it."),
            ),
        },
    ),
    (
        _("Messages that fail"),
        {
            "x-dead-letter-exchange": (
                _("Dead letter exchange"),
                _('Gets what fails. For the default exchange: {"x-dead-letter-exchange": ""} below.'),
            ),
            "x-dead-letter-routing-key": (
                _("Dead letter routing key"),
                _("Without one they keep their own."),
            ),
            "x-dead-letter-strategy": (
                _("Dead-lettering"),
                _(
                    "at-least-once: none is lost on the way; needs reject-publish above. Without it at-most-once."
                ),
            ),
            "x-delivery-limit": (
                _("Delivery limit"),
                _("After so many returns a message is dead-lettered or lost. From 4.0 on 20; -1: none."),
            ),
            "x-delayed-retry-type": (
                _("Delay what comes back"),
                _(
                    "failed: rejects and lost consumers; returned: nacks; all: both. It is out of sight meanwhile."
                ),
            ),
            "x-delayed-retry-min": (
                _("Shortest delay, ms"),
                _("Times the number of deliveries, up to the longest."),
            ),
            "x-delayed-retry-max": (_("Longest delay, ms"), ""),
        },
    ),
    (
        _("Who consumes"),
        {
            "x-single-active-consumer": (
                _("Single active consumer: one gets all, the next takes over when it goes"),
                "",
            ),
            "x-max-priority": (
                _("Highest priority"),
                _(
                    "1 to 255, best below 10: messages of a higher priority go first. Costs memory for each level."
                ),
            ),
            "x-consumer-timeout": (
                _("Consumer timeout, ms"),
                _("A consumer that holds a message longer is cancelled, and its messages come back."),
            ),
        },
    ),
    (
        _("Where it lives"),
        {
            "x-quorum-initial-group-size": (
                _("Members at first"),
                _("Nodes that hold a copy. Without it three, or as many as there are."),
            ),
            "x-quorum-target-group-size": (
                _("Members wanted"),
                _("RabbitMQ adds members up to it once nodes are there, where that is switched on."),
            ),
            "x-initial-cluster-size": (_("Replicas at first"), _("Nodes that hold a copy. Without it all.")),
            "x-queue-leader-locator": (
                _("Leader"),
                _("client-local: on the node that is asked. balanced: where few leaders are."),
            ),
            "x-queue-master-locator": (_("Node by"), _("Which node it is put on.")),
            "x-queue-mode": (
                _("Mode"),
                _("lazy: messages go to the disk as early as can be, which saves memory."),
            ),
            "x-queue-version": (
                _("Storage version"),
                _("1 or 2. From 4.0 on 2 without it; 4.3 has 2 alone."),
            ),
        },
    ),
)


@dataclass(frozen=True)
class Group:
    """Fields under one heading, each with the classes of the types that take it."""

    title: Text
    fields: Sequence[tuple[forms.BoundField, str]]
    classes: str
    bad: bool


class QueueForm(ActForm):
    """What a queue is declared with. `vhosts`, `nodes`: those of the broker; `version` decides what is offered."""

    type = forms.ChoiceField(
        label=_("Type"),
        initial="quorum",
        widget=forms.RadioSelect,
        choices=[
            ("quorum", _("quorum: copies on several nodes, nothing is lost with one of them")),
            ("classic", _("classic: on one node, lost with it")),
            ("stream", _("stream: a log, read many times, emptied by age or size alone")),
        ],
    )
    vhost = forms.ChoiceField(label=_("Virtual host"))
    name = free_text(_("Name"))
    durable = forms.BooleanField(
        required=False, initial=True, label=_("Durable: survives a restart of the broker")
    )
    auto_delete = forms.BooleanField(
        required=False, label=_("Auto-delete: goes when its last consumer does, with what is in it")
    )
    node = forms.ChoiceField(required=False, label=_("Node"))
    arguments = ArgumentsField(label=_("Other arguments"))

    def __init__(
        self,
        *args: Any,
        vhosts: Sequence[str],
        version: Version | None = None,
        nodes: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._arguments = _merged(version)
        for argument in self._arguments.values():
            self.fields[argument.field] = _field(argument)
        self.fields["vhost"].choices = [(name, name) for name in vhosts]  # type: ignore[attr-defined]
        self.fields["node"].choices = [("", _("any")), *((name, name) for name in nodes)]  # type: ignore[attr-defined]
        if len(nodes) < 2:
            del self.fields["node"]
        style(self)

    @property
    def values(self) -> dict[str, Any]:
        """What the service is called with: the fields of arguments under the names that RabbitMQ gives them."""
        found = super().values
        given = dict(found.get("arguments") or {})
        for argument in self._arguments.values():
            value = found.pop(argument.field, None)
            if value not in (None, "", False):
                given[argument.name] = value
        return {**found, "arguments": given}

    def groups(self) -> Iterator[Group]:
        """Yield the fields of arguments under their headings."""
        for title, words in GROUPS:
            found = [self._arguments[name] for name in words if name in self._arguments]
            if found:
                fields = [(self[item.field], _classes(item.types)) for item in found]
                types = [type for type in TYPES if any(type in item.types for item in found)]
                yield Group(title, fields, _classes(types), any(field.errors for field, _names in fields))

    def classic_only(self) -> Iterator[forms.BoundField]:
        """Yield the fields that only a classic queue has."""
        return (self[name] for name in ("durable", "auto_delete", "node") if name in self.fields)


def _merged(version: Version | None) -> dict[str, Argument]:
    """Return each argument that any type heeds, with all the types that do and all their choices."""
    found: dict[str, Argument] = {}
    for type in TYPES:
        for item in queue_arguments.offered(type, version):
            known = found.get(item.name)
            types = (*known.types, type) if known else (type,)
            choices = tuple(dict.fromkeys((*(known.choices if known else ()), *item.choices)))
            found[item.name] = Argument(item.name, item.kind, types, least=item.least, choices=choices)
    return found


def _field(argument: Argument) -> forms.Field:
    label, help_text = _WORDS[argument.name]
    given: dict[str, Any] = {"required": False, "label": label, "help_text": help_text}
    if argument.kind == "flag":
        return forms.BooleanField(**given)
    if argument.kind == "number":
        return forms.IntegerField(min_value=argument.least, **given)
    if argument.kind == "choice":
        return forms.ChoiceField(choices=[("", "–"), *((name, name) for name in argument.choices)], **given)
    return forms.CharField(strip=False, **given)


def _classes(types: Sequence[str]) -> str:
    return " ".join(f"not-{type}" for type in TYPES if type not in types)


_WORDS = {name: words for _title, group in GROUPS for name, words in group.items()}


class QueueBindingForm(ActForm):
    """Which exchange a queue is bound to, and which of its messages it gets. `sources`: the exchanges there are."""

    source = forms.CharField(
        label=_("Exchange"), strip=False, required=False, widget=forms.TextInput(attrs={"list": "sources"})
    )
    routing_key = free_text(
        _("Routing key"), _("Of a topic exchange a pattern: * is one word, # any number of words.")
    )
    arguments = ArgumentsField(
        help_text=_('Of a headers exchange what it looks for: {"x-match": "all", "shop": "de", "size": 5}.')
    )

    def __init__(self, *args: Any, sources: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = sources


class DeleteQueueForm(ActForm):
    """What becomes of the messages and the consumers of a queue that is deleted."""

    messages = forms.ChoiceField(
        label=_("Its messages"),
        initial="empty",
        widget=forms.RadioSelect,
        choices=[
            ("empty", _("Delete it only if it is empty")),
            ("keep", _("Keep them for seven days first: they can be put back into a queue of this name")),
            ("drop", _("Drop them with it, for good")),
        ],
    )
    even_used = forms.BooleanField(
        required=False, label=_("Also while somebody consumes from it: they are cut off")
    )
