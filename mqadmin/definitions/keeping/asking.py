"""One look at a broker's definitions: asked, masked, kept where they changed; a fault is written down."""

from __future__ import annotations

import hashlib
import json
import threading

from django.utils import timezone

from mqadmin.core import brokers
from mqadmin.definitions.comparing import document, secret
from mqadmin.definitions.comparing.document import Read, Unreadable
from mqadmin.definitions.keeping import versions
from mqadmin.definitions.models import Version, Watch
from mqadmin.rabbit.administration.definitions import DefinitionsClient
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ManagementUnavailable, RabbitError

_lock = threading.Lock()
_clients: dict[str, tuple[BrokerConfig, DefinitionsClient]] = {}
# What a broker told last, and which version that is: told in the same words again, it need not be read.
_told: dict[str, tuple[bytes, int]] = {}


def client(broker: str) -> DefinitionsClient:
    """Return this process's client for a broker's definitions; any thread may use it. Raises ConfigurationError."""
    config = brokers.config(broker)
    with _lock:
        known = _clients.get(broker)
        if known is None or known[0] is not config:
            known = _clients[broker] = (config, DefinitionsClient(config))
        return known[1]


def look(broker: str) -> Version | None:
    """Ask a broker for its definitions and keep them where they changed; returns the version that was made.

    Raises RabbitError, after it is written to the watch, and django.db.Error.
    """
    try:
        row = Watch.objects.filter(broker=broker).first()
        last = Version.objects.filter(broker=broker).values_list("pk", flat=True).first()
        found = client(broker).export(etag=row.etag if row is not None and last is not None else "")
        words = _words(found.document)
        if last is not None and (found.document is None or _told.get(broker) == (words, last)):
            Watch.objects.filter(broker=broker).update(
                checked_at=timezone.now(), etag=found.etag, took_s=found.took_s, fault="", fault_code=""
            )
            return None
        read = as_read(broker, found.document or {})
    except RabbitError as error:
        Watch.objects.update_or_create(
            broker=broker, defaults={"fault": str(error)[:1000], "fault_code": error.code[:40]}
        )
        raise
    masked = Read(secret.masked(read.objects, versions.mask()), read.passing, read.version)
    made = versions.keep(broker, masked, etag=found.etag, took_s=found.took_s)
    newest = made.pk if made is not None else last
    if newest is not None:
        _told[broker] = (words, newest)
    return made


def _words(told: document.Document | None) -> bytes:
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=20).digest()


def live(broker: str) -> Read:
    """Return the definitions as they are now, with their secrets: for whoever restores. Raises RabbitError."""
    exported = client(broker).export()
    return as_read(broker, exported.document or {})


def as_read(broker: str, told: document.Document) -> Read:
    """Return what a broker told as objects. Raises ManagementUnavailable where it cannot be read."""
    try:
        return document.read(told)
    except Unreadable as error:
        raise ManagementUnavailable(
            f"Broker {broker} told definitions that cannot be read: {error}."
        ) from error


def want(broker: str) -> None:
    """Have the monitor look at once: something was changed here."""
    Watch.objects.update_or_create(broker=broker, defaults={"wanted_at": timezone.now()})
