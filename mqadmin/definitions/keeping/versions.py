"""Versions: written when definitions changed, and read again."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mqadmin.definitions.comparing import differing, secret
from mqadmin.definitions.comparing.differing import Difference
from mqadmin.definitions.comparing.document import Read
from mqadmin.definitions.comparing.kinds import Snapshot
from mqadmin.definitions.keeping import packing, who
from mqadmin.definitions.models import Part, Version, Watch

TOLD = 30  # differences that a version tells without its parts being read


def mask() -> secret.Mask:
    """Return the mask of this installation."""
    return secret.masking(hashlib.sha256(f"definitions:{settings.SECRET_KEY}".encode()).digest())


def newest(broker: str) -> Version | None:
    """Return the version that holds, as far as is known."""
    return Version.objects.filter(broker=broker).first()


def before(version: Version) -> Version | None:
    """Return the version before it, None of the oldest that is kept."""
    return Version.objects.filter(broker=version.broker, pk__lt=version.pk).first()


def watch(broker: str) -> Watch:
    """Return how the watch over a broker goes; its row is made where there is none."""
    return Watch.objects.get_or_create(broker=broker)[0]


def keep(
    broker: str, found: Read, *, etag: str = "", took_s: float = 0.0, now: datetime | None = None
) -> Version | None:
    """Keep what was found, already masked, where it differs from the newest version; returns what was made.

    Any thread or process may call it: the watch's row is locked. Raises django.db.Error.
    """
    moment = now or timezone.now()
    packed = packing.pack(found.objects)
    parts = {name: packing.digest(data) for name, data in packed.items()}
    with transaction.atomic():
        Watch.objects.get_or_create(broker=broker)
        row = Watch.objects.select_for_update().get(broker=broker)
        last = newest(broker)
        made = None
        if last is None or last.parts != parts:
            made = _write(broker, found, parts, packed, last, row.checked_at, moment)
        row.checked_at, row.etag, row.passing, row.took_s = moment, etag, found.passing, took_s
        row.fault = row.fault_code = ""
        row.save()
    return made


def _write(
    broker: str,
    found: Read,
    parts: packing.Parts,
    packed: dict[str, bytes],
    last: Version | None,
    since: datetime | None,
    moment: datetime,
) -> Version | None:
    known = set(Part.objects.filter(broker=broker).values_list("digest", flat=True))
    new = {parts[name]: data for name, data in packed.items() if parts[name] not in known}
    changes: list[Difference] = []
    if last is not None:
        names, own = packing.apart(last.parts, parts)
        now_there = {digest: packing.compressed(data) for digest, data in new.items()}
        now_there |= load(broker, (parts[name] for name in own if parts[name] not in new))
        changes = differing.differences(
            packing.unpack(last.parts, load(broker, (last.parts[name] for name in names)), names),
            packing.unpack(parts, now_there, own),
        )
        if not changes and found.version == last.rabbitmq_version:
            return None  # it tells the same in other words
    Part.objects.bulk_create(
        [Part(broker=broker, digest=name, data=packing.compressed(data)) for name, data in new.items()],
        ignore_conflicts=True,
        batch_size=200,
    )
    made = Version(
        broker=broker,
        at=moment,
        since=since if last is not None else None,
        rabbitmq_version=found.version[:60],
        parts=parts,
        counts=dict(Counter(key.kind for key in found.objects)),
        changed=differing.counted(changes) if last is not None else {},
    )
    made.told = [[item.how, *item.key] for item in changes[:TOLD]]
    made.who = _who(broker, since, moment, changes) if last is not None else []
    made.save()
    return made


def _who(
    broker: str, since: datetime | None, until: datetime, changes: Iterable[Difference]
) -> list[dict[str, Any]]:
    found = who.traces(broker, since, until)
    return who.names(found, ((item.key, item.after is None) for item in changes))


def name_again(broker: str, begin: datetime) -> None:
    """Write anew who made the newest version, where it was made after `begin`: it was heard of only now."""
    version = newest(broker)
    if version is None or version.since is None or version.at + who.SLACK < begin:
        return
    earlier = before(version)
    if earlier is not None:
        named = _who(broker, version.since, version.at, between(earlier, version))
        Version.objects.filter(pk=version.pk).update(who=named)


def load(broker: str, digests: Iterable[str]) -> dict[str, bytes]:
    """Return the stored parts by their digest."""
    wanted = list(set(digests))
    found: dict[str, bytes] = {}
    for at in range(0, len(wanted), 400):
        rows = Part.objects.filter(broker=broker, digest__in=wanted[at : at + 400])
        found |= {digest: bytes(data) for digest, data in rows.values_list("digest", "data")}
    return found


def objects(version: Version) -> Snapshot:
    """Return all objects of a version, secrets masked."""
    return packing.unpack(version.parts, load(version.broker, version.parts.values()))


def between(one: Version, other: Version, *, vhost: str | None = None) -> list[Difference]:
    """Return what differs from one version to another: only what they do not share is read."""
    names, own = packing.apart(one.parts, other.parts)
    return differing.differences(
        packing.unpack(one.parts, load(one.broker, (one.parts[name] for name in names)), names),
        packing.unpack(other.parts, load(other.broker, (other.parts[name] for name in own)), own),
        vhost=vhost,
    )
