"""The built-in `forward`: each message goes on to another exchange, perhaps on another broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumers.handlers.options import OptionsError
from consumers.handlers.registry import Place, Reached, handler, option
from consumers.runtime.api import Reject, Retry
from mqadmin.core import brokers, permissions
from mqadmin.core.rights import asking
from mqadmin.queues.acts import destination
from mqadmin.rabbit.clean_copy import FORWARD
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher, Receipt
from mqadmin.telemetry import publishing

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

SHORT = 255  # bytes of AMQP's short strings: names and routing keys

# Another try may well end otherwise. Every other receipt is about the message or the destination.
_PASSING = frozenset({"nacked", "blocked", "timed_out", "connection_lost"})


@dataclass(frozen=True)
class Options:
    """Where to."""

    broker: str = option(
        "", label=gettext_lazy("Broker"), help=gettext_lazy("As it is configured. Empty: the consumer's own.")
    )
    vhost: str = option(
        "",
        label=gettext_lazy("Virtual host"),
        help=gettext_lazy("Empty: the consumer's own, on another broker that broker's default."),
    )
    exchange: str = option(
        "",
        label=gettext_lazy("Exchange"),
        help=gettext_lazy("Empty: the default exchange, whose routing key is the name of a queue."),
    )
    routing_key: str = option(
        "", label=gettext_lazy("Routing key"), help=gettext_lazy("Empty: each message's own.")
    )
    timeout_s: float = option(
        30.0,
        label=gettext_lazy("Timeout (s)"),
        help=gettext_lazy("For the broker's confirm."),
        minimum=0.1,
        maximum=300,
    )


@dataclass(frozen=True)
class Route:
    """The options ready for use. `username`: whom the destination knows us as."""

    publisher: Publisher
    where: str
    exchange: str
    routing_key: str
    username: str
    timeout_s: float


def check(options: Options) -> None:
    """Raise OptionsError for a destination that cannot be one."""
    errors: dict[str, str] = {}
    if not options.exchange and not options.routing_key:
        errors["routing_key"] = _("The default exchange needs one: the name of the queue.")
    for name in ("vhost", "exchange", "routing_key"):
        if len(getattr(options, name).encode(errors="surrogatepass")) > SHORT:
            errors[name] = _("At most 255 bytes.")
    if options.broker:
        try:
            brokers.config(options.broker)
        except ConfigurationError as error:
            errors["broker"] = str(error)
    if errors:
        raise OptionsError(errors)


def prepare(options: Options, place: Place) -> Route:
    """Find the destination. Raises OptionsError when it is the consumer's own queue, or is not configured."""
    slug = options.broker or place.broker
    try:
        config = brokers.config(slug)
    except ConfigurationError as error:
        raise OptionsError({"broker": str(error)}) from error
    own = place.vhost if slug == place.broker else config.default_vhost
    vhost = options.vhost or own
    is_own_queue = (slug, vhost, options.routing_key) == (place.broker, place.vhost, place.queue)
    if not options.exchange and is_own_queue:
        text = _("This is the queue that it consumes: each message would come back for ever.")
        raise OptionsError({"routing_key": text})
    return Route(
        publisher=brokers.publisher(slug, vhost),
        where=f"{slug} {vhost}",
        exchange=options.exchange,
        routing_key=options.routing_key,
        username=config.username,
        timeout_s=options.timeout_s,
    )


def outlook(options: Options, place: Place) -> list[str]:
    """Return what the monitor last saw of the queue that is forwarded to; nothing where an exchange decides."""
    queue = destination.seen(*key) if (key := reaches(options, place)) else None
    return destination.outlook(queue) if queue else []


def reaches(options: Options, place: Place) -> Reached | None:
    """Return the queue that is forwarded to, None where an exchange decides."""
    slug = options.broker or place.broker
    if options.exchange or slug not in brokers.configs():
        return None
    vhost = options.vhost or (place.vhost if slug == place.broker else brokers.config(slug).default_vhost)
    return slug, vhost, options.routing_key


def forbidden(options: Options, place: Place) -> dict[str, str]:
    """Refuse a destination that who defines the consumer may not publish to by themselves."""
    slug = options.broker or place.broker
    own = place.vhost if slug == place.broker else brokers.config(slug).default_vhost
    field = "exchange" if options.exchange else "routing_key"
    with asking.needing("operate"):
        if permissions.allows(slug, options.vhost or own, None if options.exchange else options.routing_key):
            return {}
    return {field: _("Your roles do not let you publish there.")}


@handler(
    "forward",
    title=gettext_lazy("Forward"),
    description=gettext_lazy(
        "Publish each message to another exchange, here or on another broker, and ack it once that is "
        "confirmed. What no queue takes is rejected."
    ),
    options=Options,
    check=check,
    prepare=prepare,
    outlook=outlook,
    reaches=reaches,
    forbidden=forbidden,
)
def forward(message: Delivery, options: Route) -> None:
    """Publish the message, confirmed and mandatory. Raises Reject where it cannot arrive, else Retry."""
    key = options.routing_key or message.routing_key
    headers = FORWARD.headers(message.headers)
    traced = publishing.begin(
        "forward",
        options.exchange or key,
        messaging__message__id=message.message_id,
        mqadmin__to=options.where,
    )
    if traced is not None:
        traced.put_into(headers)  # it begins another way here, of which this is told as the begin
    properties = FORWARD.properties(message.properties, headers, username=options.username)
    outgoing = Outgoing(options.exchange, key, message.body, properties)
    receipt = options.publisher.publish_batch([outgoing], timeout_s=options.timeout_s)[0]
    if traced is not None:
        traced.end("" if receipt.ok else receipt.reason)
    where = f"{options.exchange or '(default exchange)'} with key {key!r} ({options.where})"
    if receipt.ok:
        message.log.info("confirmed by %s", where)
        return
    reason = _reason(receipt)
    message.log.warning("%s: %s", where, reason)
    if receipt.reason in _PASSING:
        raise Retry(f"{where}: {reason}")
    raise Reject(f"{where}: {reason}")


def _reason(receipt: Receipt) -> str:
    if receipt.reason == "unroutable":
        return "no queue took it: nothing is bound there for this key"
    words = receipt.detail or receipt.reason
    return f"{words} It may have arrived all the same." if receipt.unknown else words
