"""What dies and is requeued is the same message: body byte for byte, every property, every header with its type.

Both ends are seen on the wire, without any client library: a witness queue has what RabbitMQ got, and what comes
back is compared with that, type for type and width for width.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from mqadmin.core import brokers
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.deadletters.acts import editing, exporting, importing, patching
from mqadmin.deadletters.acts.patching import Change
from mqadmin.deadletters.capture import windows
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import selection
from mqadmin.rabbit.config import BrokerConfig
from tests.deadletters.real.round_trip import REQUEUE_ID, WAYS, RoundTrip, check, is_ours
from tests.support.waiting import wait_until
from tests.support.wire import Raw, properties
from tests.support.wire_values import EVERYWHERE, messages

pytestmark = [pytest.mark.broker, pytest.mark.processes, pytest.mark.django_db(transaction=True)]

HERE = Path(__file__).parent
EVERY_TYPE = set("tbBsuIilfdDSxTVAF")
MANY = settings(
    max_examples=int(os.environ.get("EXAMPLES", 10)),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def trip(
    broker_config: BrokerConfig, vhost: str, process_environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[RoundTrip]:
    """The queues, with a collector at work."""
    brokers.forget()
    monkeypatch.setattr(operations, "nudge", lambda pk: None)
    made = RoundTrip(broker_config, vhost)
    made.declare()
    with made.collecting(process_environ):
        yield made


def run_raw(trip: RoundTrip, way: str, batch: list[Raw]) -> None:
    def publish() -> None:
        with trip.wire() as wire:
            for message in batch:
                wire.publish(way, "any.key", message)

    for sent, (before, after) in zip(batch, trip.run(way, len(batch), publish), strict=True):
        assert (before.body, before.meaning()) == (sent.body, sent.meaning()), "the witness has what was sent"
        check(before, after)


ALL_PROPERTIES = {
    "content_type": b"application/json",
    "content_encoding": b"gzip",
    "headers": EVERYWHERE,
    "delivery_mode": 2,
    "priority": 255,
    "correlation_id": b"c",
    "reply_to": b"answers",
    "expiration": b"3600000",
    "message_id": b"\xff",
    "timestamp": 2**64 - 1,
    "type": b"",
    "app_id": b"\0",
    "cluster_id": b"x",
}


def test_one_of_everything_however_it_died(trip: RoundTrip) -> None:
    message = Raw(properties(user_id=trip.user.encode(), **ALL_PROPERTIES), b"\x00\xff")
    assert message.types() == EVERY_TYPE
    for way in WAYS:
        run_raw(trip, way, [message, Raw(properties(), b""), message])


def test_any_message_however_it_died(trip: RoundTrip) -> None:
    @MANY
    @given(way=st.sampled_from(sorted(WAYS)), batch=st.lists(messages(trip.user), min_size=1, max_size=6))
    def go_round(way: str, batch: list[Raw]) -> None:
        assume(not any(is_ours(name) for message in batch for name in message.meaning().get("headers", {})))
        run_raw(trip, way, batch)

    go_round()


def test_an_edit_and_the_way_through_a_file_leave_every_type(trip: RoundTrip) -> None:
    by = Actor("ann", "shell")
    ascii_names = [item for item in EVERYWHERE if item[0].isascii()]  # else they are no object of JSON
    sent = Raw(properties(headers=[*ascii_names, (b"edited", ("l", 5))]), b"x")
    with trip.wire() as wire:
        wire.publish("", "rejected", sent)
        trip.reject("rejected", 1)
        letter = wait_until(lambda: windows.settled().first(), what="the letter")
        assert letter is not None
        patch = Change(({"op": "replace", "path": "/headers/edited", "value": 6},))
        editing.write(letter, by, patching.changed(letter, patch))
        letter.refresh_from_db()
        letter = editing.edit(letter=letter, by=by, headers={**letter.headers, "new": 7})
        chosen = selection.some("default", [letter.pk])
        file = io.BytesIO(b"".join(exporting.export(selection=chosen, by=by)))
        letter.delete()
        assert importing.take(file=file, broker="default", by=by).imported == 1
        again = selection.some("default", [DeadLetter.objects.get().pk])
        operations.execute(requeue.start(selection=again, to=To(), by=by).pk)
        found = wire.get("rejected")
    assert found is not None
    got, want = found.meaning()["headers"], sent.meaning()["headers"]
    del got[REQUEUE_ID]
    assert got == {**want, b"edited": ("l", 6), b"new": ("I", 7)}


# --- written by aio-pika -------------------------------------------------------------------------------------

AIO_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=20).map(bytearray),
    st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(lambda found: found.replace(tzinfo=UTC)),
    st.decimals(-(2**20), 2**20, allow_nan=False, places=3),
)
AIO_HEADERS = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.recursive(
        AIO_LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=5,
)


async def publish_aio(trip: RoundTrip, way: str, batch: list[dict[str, Any]]) -> None:
    connection = await aio_pika.connect(trip.url)
    async with connection, connection.channel() as channel:
        exchange = await channel.get_exchange(way, ensure=False)
        for number, headers in enumerate(batch):
            message = aio_pika.Message(
                f"body {number}".encode(),
                headers=headers,
                content_type="text/plain",
                priority=number,
                message_id=f"m{number}",
                timestamp=datetime(2026, 1, 2, tzinfo=UTC),
                type="order.created",
                app_id="shop",
                expiration=3600,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await exchange.publish(message, routing_key="any.key")


def test_what_aio_pika_writes(trip: RoundTrip) -> None:
    @MANY
    @example(batch=[{"ratio": 0.5, "price": Decimal("9.99"), "deep": {"list": [1, [2, {"x": None}]]}}])
    @given(batch=st.lists(AIO_HEADERS, min_size=1, max_size=6))
    def go_round(batch: list[dict[str, Any]]) -> None:
        assume(not any(is_ours(name.encode()) for headers in batch for name in headers))
        for before, after in trip.run(
            "rejected", len(batch), lambda: asyncio.run(publish_aio(trip, "rejected", batch))
        ):
            check(before, after)

    go_round()


# --- written by amqplib for Node -------------------------------------------------------------------------------


def test_what_amqplib_wrote(trip: RoundTrip) -> None:
    """Content headers as amqplib 2.3.1 put them on the wire (writer.cjs sends the same), published as they are."""
    recorded = [bytes.fromhex(line) for line in json.loads((HERE / "amqplib.json").read_text())]
    batch = [Raw(header, b"from amqplib") for header in recorded]
    assert set().union(*(message.types() for message in batch)) == EVERY_TYPE
    run_raw(trip, "rejected", batch)


def node_with_amqplib() -> str | None:
    node = shutil.which("node")
    asked = [node or "", "-e", "require.resolve('amqplib')"]
    found = node and subprocess.run(asked, cwd=HERE, capture_output=True, check=False).returncode == 0
    return node if found else None


@pytest.mark.skipif(
    node_with_amqplib() is None, reason="needs Node with amqplib (NODE_PATH names its folder)"
)
def test_what_amqplib_writes(trip: RoundTrip) -> None:
    node = node_with_amqplib()
    assert node
    host = f"{trip.config.host}:{trip.config.port}"
    command = [
        node,
        str(HERE / "writer.cjs"),
        f"amqp://{trip.user}:{trip.password}@{host}/{trip.vhost}",
        "rejected",
    ]
    recorded = [bytes.fromhex(line) for line in json.loads((HERE / "amqplib.json").read_text())]

    def publish() -> None:
        subprocess.run(command, check=True, timeout=30)

    pairs = trip.run("rejected", len(recorded), publish)
    for header, (before, after) in zip(recorded, pairs, strict=True):
        assert before.meaning() == Raw(header, b"").meaning(), "the recording is of this writer"
        check(before, after)
