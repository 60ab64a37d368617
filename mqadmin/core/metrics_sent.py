"""What `/metrics` offers, by OTLP: a thread of the monitor sends it, of several monitors the one with the lease."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from mqadmin.core import hooks
from mqadmin.core.acts import leases
from mqadmin.core.exposition import Family
from mqadmin.telemetry import running, wanted

if TYPE_CHECKING:
    from mqadmin.telemetry.numbers import Numbers, Sender

LEASE = "telemetry:metrics"
LEASE_S = 60.0
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")

log = logging.getLogger(__name__)


def start(stop: threading.Event) -> threading.Thread | None:
    """Start the thread, where metrics are wanted; it ends soon after `stop` is set."""
    if "metrics" not in wanted.signals() or wanted.trouble():
        return None
    try:
        from mqadmin.telemetry import numbers

        sender, every = numbers.Sender(), numbers.every_s()
    except Exception as error:
        log.warning("telemetry: no metrics are sent: %s", type(error).__name__)
        return None
    thread = threading.Thread(target=_run, args=(sender, every, stop), name="telemetry-metrics", daemon=True)
    thread.start()
    return thread


def _run(sender: Sender, every: float, stop: threading.Event) -> None:
    threading.Thread(target=_interrupt, args=(sender, stop), daemon=True).start()
    holder = f"{socket.gethostname()[:60]}:{os.getpid()}"
    while not stop.wait(every):
        try:
            close_old_connections()
            send_once(sender, holder, max(LEASE_S, 3 * every))
        except (DatabaseError, InterfaceError) as error:
            log.warning("telemetry: no metrics are sent: %s", error)
            connections.close_all()
        except Exception:  # of one app's numbers: the next time may go well
            log.exception("telemetry: no metrics are sent")
    try:
        leases.release(LEASE, holder)
    except (DatabaseError, InterfaceError) as error:
        log.debug("the lease of metrics was not given back: %s", error)
    connections.close_all()


def send_once(sender: Sender, holder: str, lease_s: float) -> None:
    """Send all that apps tell now, if no other monitor does. Raises django.db.Error."""
    if leases.acquire(LEASE, holder, lease_s):
        sender.send(told(hooks.metrics()))


def _interrupt(sender: Sender, stop: threading.Event) -> None:
    """Have the monitor end at once although a collector hangs."""
    stop.wait()
    try:
        sender.stop()
    except Exception as error:
        running.log.debug("%s", type(error).__name__)


def told(found: Iterable[Any]) -> Iterator[Numbers]:
    """Yield what apps tell, as OTLP has it: the same names and labels as `/metrics`, unknown ones left out."""
    from mqadmin.telemetry.numbers import Numbers

    known: dict[str, Mapping[str, str]] = {}
    for family in found:
        if isinstance(family, Family):
            samples = (
                (_labels(text, known), float(value)) for text, value in family.samples if value is not None
            )
            yield Numbers(family.name, family.kind, family.help, samples)
            continue
        kind: Any = "counter" if family.type == "counter" else "gauge"
        by_name: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for sample in family.samples:
            by_name.setdefault(sample.name, []).append((sample.labels, float(sample.value)))
        for name, values in by_name.items():
            yield Numbers(name, kind, family.documentation, values)


def _labels(text: str, known: dict[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return labels that are written as in `/metrics`; the same text is read once."""
    labels = known.get(text)
    if labels is None:
        labels = known[text] = {name: _ESCAPED.sub(_sign, value) for name, value in _LABEL.findall(text)}
    return labels


def _sign(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]
