"""The arrivals at the queues of a broker over a restart of the monitor: one row, written once a minute."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping

import msgpack

from mqadmin.queues.models import Arrivals as Row
from mqadmin.queues.models import Broker
from mqadmin.queues.monitor.arrivals import Arrivals

log = logging.getLogger(__name__)

EVERY_S = 60.0
Key = tuple[str, str]


def write(broker: Broker, found: Mapping[Key, Arrivals], at: float) -> None:
    """Store the arrivals as they were at epoch `at`. Raises django.db.Error."""
    packed = msgpack.packb([[*key, arrivals.stored()] for key, arrivals in found.items()])
    Row.objects.update_or_create(broker=broker, defaults={"at": at, "data": zlib.compress(packed, 1)})


def read(broker: Broker) -> tuple[float | None, dict[Key, Arrivals]]:
    """Return when arrivals were stored, and those of each queue; None where none were. Raises django.db.Error."""
    row = Row.objects.filter(broker=broker).first()
    if row is None:
        return None, {}
    try:
        entries = msgpack.unpackb(zlib.decompress(bytes(row.data)))
        return row.at, {(vhost, name): Arrivals.read(stored) for vhost, name, stored in entries}
    except (ValueError, TypeError, OverflowError, zlib.error, msgpack.UnpackException):
        log.warning("broker %s: what was stored of its arrivals is of another form", broker.slug)
        return None, {}
