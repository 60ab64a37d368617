"""What a definition may say. The form, the API and `definitions` all ask here, so they never differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consumers.handlers import registry
from consumers.handlers.options import ENTER, OptionsError
from consumers.models import Consumer
from consumers.scaling import placement, schedule_words
from mqadmin.core import brokers, hiding, permissions
from mqadmin.core.rights import asking
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import ConfigurationError

RESERVED = frozenset(
    {"new", "records", "processes", "hosts", "stop-all", "start-all"}
)  # words in the pages' addresses
OPTION = "options."  # prefixes the name of a handler's own option
MOST_PROCESSES = 50
LIMITS: dict[str, tuple[float, float]] = {
    "replicas": (1, MOST_PROCESSES),
    "concurrency": (1, 256),
    "prefetch": (1, 65_535),  # basic.qos carries 16 bits
    "pull_interval": (0.05, 3_600),
    "batch_size": (1, 10_000),
    "batch_seconds": (0.01, 3_600),
    "retry_attempts": (0, 1_000),
    "retry_first_delay": (0, 604_800),
    "retry_factor": (1, 100),
    "retry_max_delay": (0, 604_800),
    "retry_jitter": (0, 1),
    "connection_retries": (0, 1_000),
    "connection_delay": (0, 604_800),
    "connect_attempts": (0, 1_000_000),
    "dedupe_seconds": (1, 31_536_000),
    "timeout_seconds": (0, 86_400),
    "deaths_limit": (0, 100),
    "rate_limit": (0, 1_000_000),
    "record_one_in": (1, 1_000_000),
    "body_cap": (0, 16 * 1024 * 1024),
    "consumer_priority": (-1_000, 1_000),
    "stop_seconds": (1, 3_600),
    "memory_limit_mb": (0, 1_048_576),
    "autoscale_min": (1, MOST_PROCESSES),
    "autoscale_max": (0, MOST_PROCESSES),  # 0: autoscaling is off
    "autoscale_seconds": (10, 86_400),
}
NULLABLE = frozenset({"connection_retries"})  # None has a meaning of its own
_KINDS: dict[str, type] = {
    "CharField": str,
    "BooleanField": bool,
    "FloatField": float,
}  # all others are whole
PATH_KEYS = (Consumer.DedupeKey.HEADER.value, Consumer.DedupeKey.JSON.value)  # these need to know where


def problems(consumer: Consumer) -> dict[str, str]:
    """Return field -> what is wrong with it, for a definition that is not saved yet; {} when it is sound.

    A handler's own options are named `options.<name>`.
    """
    found: dict[str, str] = {}
    try:
        consumer.full_clean(exclude=["options", "changed_by", "desired_by", "desired_at", "autoscaled"])
    except ValidationError as error:
        found = {field: " ".join(messages) for field, messages in error.message_dict.items()}
    if consumer.name in RESERVED:
        found["name"] = _("This word is taken: choose another name.")
    checks = (
        _theirs,
        _limits,
        _broker,
        _address,
        _handler,
        _together,
        _once,
        _pulling,
        _batching,
        _duplicates,
    )
    for check in (*checks, _autoscaled, _placed, _scheduled):
        for field, text in check(consumer).items():
            found.setdefault(field, text)
    return found


def mistyped(fields: Mapping[str, Any]) -> dict[str, str]:
    """Return field -> words for each value that is not of its field's type: nothing is converted."""
    found = {}
    for name, value in fields.items():
        if value is None and name in NULLABLE:
            continue
        if holds_nul(value):
            found[name] = _("Leave out the NUL.")
            continue
        if name == "options":
            if not isinstance(value, dict):
                found[name] = _("Options are a table of names and values.")
            continue
        kind = _KINDS.get(Consumer._meta.get_field(name).get_internal_type(), int)
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**63
        if kind in (int, float):
            is_right = is_number and (kind is float or isinstance(value, int))
        else:
            is_right = isinstance(value, kind)
        if not is_right:
            found[name] = str(ENTER[kind])
    return found


def holds_nul(value: Any) -> bool:
    """Whether a text has a NUL, or one that is a name or a value in a table or a list."""
    if isinstance(value, Mapping):
        return any(map(holds_nul, (*value, *value.values())))
    if isinstance(value, list | tuple):
        return any(map(holds_nul, value))
    return isinstance(value, str) and "\0" in value


def _theirs(consumer: Consumer) -> dict[str, str]:
    """Refuse a queue that is not of who defines the consumer, and what its handler may not do for them.

    What a definition has been told before by somebody who may more stays as it is.
    """
    who = asking.limited()
    if who is None:
        return {}
    place = registry.Place(consumer.name, consumer.broker, consumer.vhost, consumer.queue)
    if not permissions.allows(consumer.broker, consumer.vhost, consumer.queue):
        return {"queue": _("Your roles do not let you define a consumer of this queue.")}
    now = (consumer.broker, consumer.vhost, consumer.handler, consumer.options)
    stored = Consumer.objects.filter(pk=consumer.pk).values_list("broker", "vhost", "handler", "options")
    if consumer.pk is not None and stored.first() == now:
        return {}
    try:
        handler = registry.get(consumer.handler)
        registry.bind(handler, consumer.options)
    except (registry.HandlerError, OptionsError, AttributeError):
        return {}  # told beside the handler
    return {
        f"{OPTION}{name}": text for name, text in registry.forbidden(handler, consumer.options, place).items()
    }


def _limits(consumer: Consumer) -> dict[str, str]:
    found = {}
    for field, (low, high) in LIMITS.items():
        value = getattr(consumer, field)
        if value is None and field in NULLABLE:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            found[field] = _("Enter a number.")
        elif not low <= value <= high:
            found[field] = _("From %(low)g to %(high)s.") % {"low": low, "high": f"{high:,.0f}"}
    return found


def _broker(consumer: Consumer) -> dict[str, str]:
    try:
        brokers.config(consumer.broker)
    except ConfigurationError as error:
        return {"broker": str(error)}
    return {}


def _address(consumer: Consumer) -> dict[str, str]:
    """Names travel as AMQP short strings: at most 255 bytes of UTF-8, and RabbitMQ takes no NUL in them."""
    found = {}
    for field in ("vhost", "queue"):
        value = getattr(consumer, field)
        if isinstance(value, str) and len(value.encode(errors="surrogatepass")) > 255:
            found[field] = _("At most 255 bytes.")
        elif not value:
            found[field] = _("This is needed.")
    if "queue" not in found and not {"\n", "\r"}.isdisjoint(consumer.queue):
        found["queue"] = _("RabbitMQ takes line ends out of a name. Write it without them.")
    known = Queue.objects.filter(
        broker__slug=consumer.broker, vhost=consumer.vhost, name=consumer.queue, gone_at=None
    ).first()
    if known is not None and known.type == "stream":
        found["queue"] = _(
            "This is a stream. Streams are read from an offset and never emptied, so a consumer that acks, "
            "retries and dead-letters cannot work on one."
        )
    return found


def _handler(consumer: Consumer) -> dict[str, str]:
    try:
        handler = registry.get(consumer.handler)
    except registry.HandlerError as error:
        return {"handler": str(error)}
    if handler.kind == "collect" and not consumer.is_collector:
        return {"handler": _("This handler captures dead letters: track the queue instead.")}
    options: Any = consumer.options
    if not isinstance(options, dict):
        return {"options": _("Options are a table of names and values.")}
    hidden = [name for name, value in options.items() if isinstance(value, str) and hiding.SHOWN in value]
    if hidden:
        text = _("%(sign)s is shown in place of a secret: give the value itself.") % {"sign": hiding.SHOWN}
        return {f"{OPTION}{name}": text for name in hidden}
    try:
        registry.bind(handler, options)
    except OptionsError as error:
        return {f"{OPTION}{name}" if name else "options": text for name, text in error.errors.items()}
    return {}


def _together(consumer: Consumer) -> dict[str, str]:
    """Fields that are each sound but not beside one another."""
    found = {}
    if consumer.prefetch < consumer.concurrency:
        found["prefetch"] = _("At least one message for each thread: %(n)d or more.") % {
            "n": consumer.concurrency
        }
    if consumer.retry_max_delay < consumer.retry_first_delay:
        found["retry_max_delay"] = _("Not less than the first delay.")
    if consumer.ack == Consumer.AckMode.AUTO and consumer.on_failure == Consumer.OnFailure.REJECT:
        found["on_failure"] = _("A message that is gone when it is delivered cannot be rejected.")
    return found


def _once(consumer: Consumer) -> dict[str, str]:
    """What may run once only; while autoscaling is on it decides the number, and `replicas` says nothing."""
    if consumer.is_autoscaled or consumer.replicas <= 1:
        return {}
    if consumer.exclusive:
        return {"replicas": _("An exclusive consumer runs once: RabbitMQ refuses the second.")}
    if consumer.single:
        return {"replicas": _("“Never two at once” is ticked: that is one process.")}
    return {}


def _autoscaled(consumer: Consumer) -> dict[str, str]:
    if not consumer.is_autoscaled:
        return {}
    found: dict[str, str] = {}
    if consumer.exclusive:
        found["autoscale_max"] = _("An exclusive consumer runs once, so there is nothing to scale.")
    elif consumer.single:
        found["autoscale_max"] = _("“Never two at once” is ticked, so there is nothing to scale.")
    elif consumer.autoscale_min > consumer.autoscale_max:
        found["autoscale_min"] = _("Not more than the most, %(most)d.") % {"most": consumer.autoscale_max}
    return found


def _placed(consumer: Consumer) -> dict[str, str]:
    try:
        wanted = placement.parse(consumer.placement)
    except placement.PlacementError:
        part = next(item.strip() for item in consumer.placement.split(",") if item.strip().startswith("="))
        return {
            "placement": _("“%(part)s” has no name before its “=”. Labels look like: zone=a, gpu.")
            % {"part": part}
        }
    spaced = next((word for pair in wanted.items() for word in pair if len(word.split()) > 1), "")
    if spaced:
        text = _("Is “%(word)s” one label? Put a comma between two: zone=a, gpu.")
        return {"placement": text % {"word": spaced}}
    return {}


def _scheduled(consumer: Consumer) -> dict[str, str]:
    why = schedule_words.problem(consumer.schedule)
    return {"schedule": why} if why else {}


def _pulling(consumer: Consumer) -> dict[str, str]:
    """Being exclusive and having a priority are properties of a subscription; basic.get makes none."""
    found: dict[str, str] = {}
    if consumer.mode != Consumer.Mode.PULL:
        return found
    if consumer.exclusive:
        found["exclusive"] = _(
            "Only a subscription can be exclusive, and pull mode makes none. Choose push, or untick it."
        )
    if consumer.consumer_priority:
        found["consumer_priority"] = _(
            "Only a subscription has a priority, and pull mode makes none. Choose push, or set it to 0."
        )
    return found


def _batching(consumer: Consumer) -> dict[str, str]:
    """A batch is a list of messages for one call: the handler must take one, and all must be in hand."""
    try:
        takes_lists = registry.get(consumer.handler).batch
    except registry.HandlerError:
        return {}  # told beside the handler
    found: dict[str, str] = {}
    if consumer.batch_size > 1 and not takes_lists:
        found["batch_size"] = _("This handler takes one message at a time: the batch is 1.")
        return found
    needed = consumer.batch_size * consumer.concurrency
    if consumer.batch_size > 1 and consumer.prefetch < needed:
        found["prefetch"] = _(
            "A batch of %(size)d for each of %(threads)d threads must fit: %(n)d or more."
        ) % {"size": consumer.batch_size, "threads": consumer.concurrency, "n": needed}
    return found


def _duplicates(consumer: Consumer) -> dict[str, str]:
    found: dict[str, str] = {}
    if consumer.dedupe_key and consumer.ack == Consumer.AckMode.AUTO:
        found["dedupe_key"] = _(
            "A message that is gone when it is delivered cannot be checked: acknowledge manually, or do not check."
        )
    if consumer.dedupe_key and consumer.records == Consumer.Records.BEST_EFFORT:
        found["records"] = _(
            "Duplicates are told by what is committed before the ack: choose another way than best effort."
        )
    if consumer.dedupe_key == Consumer.DedupeKey.HEADER and not consumer.dedupe_path.strip():
        found["dedupe_path"] = _("Which header? Give its name.")
    elif consumer.dedupe_key == Consumer.DedupeKey.JSON and not consumer.dedupe_path.strip():
        found["dedupe_path"] = _("Which value? Give its path in the body, like order.id.")
    elif consumer.dedupe_path and consumer.dedupe_key not in PATH_KEYS:
        found["dedupe_path"] = _(
            "Only a header or a value in the body has a place to look for: leave it empty."
        )
    return found
