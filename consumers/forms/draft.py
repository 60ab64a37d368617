"""What the form says as it stands, half filled or not: its definition, and the sentences on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django import forms
from django.utils.translation import gettext as _

from consumers.definitions import presets, sentence, validation, wording
from consumers.definitions.definitions import FIELDS
from consumers.definitions.presets import Preset
from consumers.forms.definition import ConsumerForm
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core.pages import prose
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import destination


@dataclass(frozen=True)
class Draft:
    """`sentences`: what the consumer will do, [] while it cannot be said. `wrong`: (field, what is wrong with it).

    `notes`: what one should know of its queue and of where the handler sends messages.
    """

    sentences: list[str]
    wrong: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def of(form: ConsumerForm) -> Draft:
    """Return what can be said of the form as it stands."""
    consumer, wrong = _read(form)
    if not (consumer.queue and consumer.handler):
        return Draft([])
    found = {**validation.problems(consumer), **wrong}
    # Its name does nothing to what it does; who changes it has none to give.
    names = [name for name in found if name != "name"]
    notes = [*_of_queue(consumer), *(wording.outlook(consumer) if not names else ())]
    if names:
        return Draft([], [(_label(consumer, name), found[name]) for name in names], notes)
    return Draft(sentence.of(consumer), [], notes)


def preset(form: ConsumerForm) -> Preset | None:
    """Return the preset whose settings stand in the form."""
    return presets.fitting(_read(form)[0])


def _read(form: ConsumerForm) -> tuple[Consumer, dict[str, str]]:
    """Return the definition that stands in the form, and field -> words where what was typed cannot be read."""
    consumer = Consumer(
        name=form.instance.name,
        is_collector=form.instance.is_collector,
        options=form.options_form.values,
    )
    wrong: dict[str, str] = {}
    for name in (name for name in FIELDS if name in form.fields):
        value = form[name].value()
        if value is None and name not in validation.NULLABLE:
            continue  # not asked for
        try:
            found = form.fields[name].clean(value)
        except forms.ValidationError as error:
            wrong[name] = " ".join(error.messages)
            continue
        setattr(consumer, name, 0 if name == "autoscale_max" and found is None else found)
    if consumer.dedupe_key not in validation.PATH_KEYS:
        consumer.dedupe_path = ""
    return consumer, wrong


def _label(consumer: Consumer, name: str) -> str:
    if name.startswith(validation.OPTION):
        option = name.removeprefix(validation.OPTION)
        return registry.labels(consumer.handler).get(option, option)
    return str(wording.LABELS.get(name, name))


def _of_queue(consumer: Consumer) -> list[str]:
    """What the monitor knows of the queue: that it is there, what waits in it, who reads it already."""
    queue = destination.seen(consumer.broker, consumer.vhost, consumer.queue)
    if queue is None:
        return [
            _(
                "The monitor sees no queue “%(queue)s” in vhost “%(vhost)s”: the consumer waits until there is one."
            )
            % {"queue": consumer.queue, "vhost": consumer.vhost}
        ]
    found = [
        _("The queue: %(type)s, %(ready)s ready, %(consumers)s consumers.")
        % {
            "type": queue.type,
            "ready": number(queue.ready),
            "consumers": number(queue.consumers),
        }
    ]
    others = Consumer.objects.filter(broker=consumer.broker, vhost=consumer.vhost, queue=consumer.queue)
    names = list(others.exclude(name=consumer.name).values_list("name", flat=True)[:4])
    if names:
        found.append(
            _("Already defined for it: %(names)s. They share its messages.") % {"names": prose.listed(names)}
        )
    return found
