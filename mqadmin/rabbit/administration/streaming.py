"""What a client reads and writes by the protocol of streams, as the plugin `rabbitmq_stream_management` tells it.

RabbitMQ counts these at no channel; without the plugin the management API knows of a reader only that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NotFound, NotOffered
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json


@dataclass(frozen=True)
class StreamReader:
    """One subscription. `offset`: of the last message that it was given; `behind`: messages that the stream has
    after that one; `consumed`: messages given to it; `credit`: chunks that it lets the broker send; `active`: False
    where another one of its group has its turn. None: the broker does not say."""

    stream: str
    number: int | None
    offset: int | None
    behind: int | None
    consumed: int | None
    credit: int | None
    active: bool


@dataclass(frozen=True)
class StreamPublisher:
    """One publisher. `reference`: the name by which the broker drops what it sends twice, "" for none; `failed`:
    messages that the broker refused."""

    stream: str
    number: int | None
    reference: str
    published: int | None
    confirmed: int | None
    failed: int | None


@dataclass(frozen=True)
class Ends:
    """What one connection does with streams."""

    readers: tuple[StreamReader, ...]
    publishers: tuple[StreamPublisher, ...]


def of_connection(client: ManagementClient, vhost: str, name: str) -> Ends | None:
    """Return what a connection of the protocol reads and writes: two calls. None where the broker does not tell it.

    Its figures are those of the last statistics, up to five seconds old.
    """
    try:
        return Ends(
            tuple(calls.rows(client, _reader, "stream", "connections", vhost, name, "consumers")),
            tuple(calls.rows(client, _publisher, "stream", "connections", vhost, name, "publishers")),
        )
    except (NotFound, NotOffered):  # without the plugin 3.10.8 says the former, as it does once it is closed
        return None


def _reader(item: Json) -> StreamReader:
    return StreamReader(
        stream=values.text(values.table(item.get("queue")).get("name")) or "",
        number=values.integer(item.get("subscription_id")),
        offset=values.integer(item.get("offset")),
        behind=values.integer(item.get("offset_lag")),
        consumed=values.integer(item.get("consumed")),
        credit=values.integer(item.get("credits")),
        active=item.get("active") is not False,
    )


def _publisher(item: Json) -> StreamPublisher:
    return StreamPublisher(
        stream=values.text(values.table(item.get("queue")).get("name")) or "",
        number=values.integer(item.get("publisher_id")),
        reference=values.text(item.get("reference")) or "",
        published=values.integer(item.get("published")),
        confirmed=values.integer(item.get("confirmed")),
        failed=values.integer(item.get("errored")),
    )
