"""The fields a query may name: what kind each is, where its value is kept, what it is for. Pure."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.reading import frameworks

REASONS = ("rejected", "expired", "maxlen", "delivery_limit", "error", "unknown")
STATUSES = ("parked", "requeueing", "requeued", "discarded")
FLAGS = ("edited", "back", "duplicate", "noted")

_ALL = (
    Field("source", "name", ("source_queue",), _("the queue it died in"), is_indexed=True),
    Field("error", "text", ("error_type", "error"), _("the error's type and message")),
    Field("reason", "choice", ("reason",), _("why the broker or the handler gave it up"), REASONS),
    Field("died", "moment", ("first_death_at", "captured_at"), _("when it first died"), example="<2h"),
    Field("status", "choice", ("status",), _("what became of it"), STATUSES, is_indexed=True),
    Field("header", "table", ("headers",), _("a header: header.tenant=acme"), example=".tenant=acme"),
    Field(
        "payload", "table", ("body",), _("a field of the body: payload.order.id>1000"), example=".order.id=7"
    ),
    Field("property", "table", ("properties",), _("a basic property: property.app_id=shop")),
    Field("queue", "name", ("dead_letter_queue",), _("the dead-letter queue it was taken from")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("exchange", "name", ("source_exchange",), _("the exchange it was published to")),
    Field("key", "names", ("routing_keys",), _("its routing key")),
    Field("message", "name", ("message_id",), _("its message id"), is_indexed=True),
    Field("group", "name", ("group",), _("its cause"), is_indexed=True),
    Field("framework", "choice", ("framework",), _("what wrote the error"), frameworks.NAMES),
    Field("consumer", "name", ("consumer",), _("the consumer that failed")),
    Field("captured", "moment", ("captured_at",), _("when it was captured"), is_indexed=True, example="<2h"),
    Field("deaths", "number", ("death_count",), _("how often it died"), example=">1"),
    Field("size", "number", ("size",), _("bytes of its body"), example=">10000", is_size=True),
    Field("requeues", "number", ("requeue_count",), _("how often it was requeued"), example=">0"),
    Field("note", "text", ("note",), _("what somebody noted")),
    Field("trace", "text", ("trace",), _("the traceback")),
    Field("is", "flag", (), _("edited, back (after a requeue), duplicate, noted"), FLAGS),
    Field("broker", "name", ("broker",), _("the broker"), is_indexed=True),
    Field("id", "number", ("id",), _("its number here"), is_indexed=True),
)
ALIASES = {
    "headers": "header",
    "body": "payload",
    "properties": "property",
    "prop": "property",
    "message_id": "message",
    "routing_key": "key",
    "cause": "group",
    "source_queue": "source",
    "dlq": "queue",
    "dead_letter_queue": "queue",
}

LETTERS = Vocabulary.of(_ALL, ALIASES)
FIELDS = LETTERS.fields
