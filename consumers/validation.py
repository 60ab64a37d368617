"""What a definition may say. The form, the API and `definitions` all ask here, so they never differ."""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core import brokers
from mqadmin.queues.models import Queue
from mqadmin.rabbit.errors import ConfigurationError

RESERVED = frozenset({"new", "records", "processes"})  # words in the pages' addresses
OPTION = "options."  # prefixes the name of a handler's own option
MOST_PROCESSES = 50
LIMITS: dict[str, tuple[float, float]] = {
    "replicas": (1, MOST_PROCESSES),
    "concurrency": (1, 256),
    "prefetch": (1, 65_535),  # basic.qos carries 16 bits
    "retry_attempts": (0, 1_000),
    "retry_first_delay": (0, 604_800),
    "retry_factor": (1, 100),
    "retry_max_delay": (0, 604_800),
    "retry_jitter": (0, 1),
    "timeout_seconds": (0, 86_400),
    "deaths_limit": (0, 100),
    "rate_limit": (0, 1_000_000),
    "record_one_in": (1, 1_000_000),
    "body_cap": (0, 16 * 1024 * 1024),
    "consumer_priority": (-1_000, 1_000),
    "stop_seconds": (1, 3_600),
}


def problems(consumer: Consumer) -> dict[str, str]:
    """Return field -> what is wrong with it, for a definition that is not saved yet; {} when it is sound.

    A handler's own options are named `options.<name>`.
    """
    found: dict[str, str] = {}
    try:
        consumer.full_clean(exclude=["options", "changed_by", "desired_by", "desired_at"])
    except ValidationError as error:
        found = {field: " ".join(messages) for field, messages in error.message_dict.items()}
    if consumer.name in RESERVED:
        found["name"] = _("This word is taken: choose another name.")
    for check in (_limits, _broker, _address, _handler, _together):
        for field, text in check(consumer).items():
            found.setdefault(field, text)
    return found


def _limits(consumer: Consumer) -> dict[str, str]:
    found = {}
    for field, (low, high) in LIMITS.items():
        value = getattr(consumer, field)
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
    try:
        registry.bind(handler, options)
    except registry.OptionsError as error:
        return {f"{OPTION}{name}" if name else "options": text for name, text in error.errors.items()}
    return {}


def _together(consumer: Consumer) -> dict[str, str]:
    """Fields that are each sound but not beside one another."""
    found = {}
    if consumer.prefetch < consumer.concurrency:
        found["prefetch"] = _("At least one message for each thread: %(n)d or more.") % {
            "n": consumer.concurrency
        }
    if consumer.exclusive and consumer.replicas > 1:
        found["replicas"] = _("An exclusive consumer runs once: RabbitMQ refuses the second.")
    if consumer.retry_max_delay < consumer.retry_first_delay:
        found["retry_max_delay"] = _("Not less than the first delay.")
    if consumer.mode != Consumer.Mode.PUSH:
        found["mode"] = _("Consumers run in push mode.")
    if consumer.ack == Consumer.AckMode.AUTO and consumer.on_failure == Consumer.OnFailure.REJECT:
        found["on_failure"] = _("A message that is gone when it is delivered cannot be rejected.")
    return found
