"""Where definitions to compare come from: a version that is kept, a broker as it is now, a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core import brokers, patience, permissions
from mqadmin.core.errors import Refusal
from mqadmin.definitions.comparing import document, kinds, secret
from mqadmin.definitions.comparing.document import Unreadable
from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot
from mqadmin.definitions.keeping import asking, versions
from mqadmin.definitions.models import Version
from mqadmin.rabbit.reading import jsontext

NOW = "now"
LARGEST_FILE = 32 * 1024 * 1024


@dataclass(frozen=True)
class Source:
    """Objects, masked, and what they are called: of `broker` at `at`; `version`: None of a broker as it is now."""

    objects: Snapshot
    broker: str
    at: datetime
    version: Version | None
    passing: int = 0
    rabbitmq_version: str = ""


def found(spec: str, broker: str) -> Source:
    """Return what `spec` names: "now", "now:slug", or the number of a version.

    Raises Refusal (404) for what is not kept, RabbitError where a broker is asked and does not answer.
    """
    word, _colon, slug = spec.partition(":")
    if word == NOW:
        permissions.require(slug or broker)
        return now(slug or broker)
    version = Version.objects.filter(pk=int(spec)).first() if spec.isdecimal() and len(spec) < 18 else None
    if version is None:
        raise Refusal(_("This version of the definitions is not kept (any more)."), "not_found", status=404)
    return of_version(version)


def of_version(version: Version) -> Source:
    """Return what is kept of a version."""
    return Source(versions.objects(version), version.broker, version.at, version, 0, version.rabbitmq_version)


def now(broker: str) -> Source:
    """Return a broker's definitions as they are now. Raises RabbitError."""
    with patience.asking(broker):
        read = asking.live(brokers.config(broker).slug)
    masked = secret.masked(read.objects, versions.mask())
    return Source(masked, broker, timezone.now(), None, read.passing, read.version)


def parsed(data: bytes | str) -> Mapping[str, Any]:
    """Return the document that a file holds. Raises Refusal (422) with a sentence."""
    if len(data) > LARGEST_FILE:
        raise _wrong(_("The file is larger than 32 MB."))
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        told = json.loads(text, object_pairs_hook=jsontext.unique)
    except (ValueError, RecursionError) as error:
        raise _wrong(_("The file is no JSON: %(why)s") % {"why": _plain(error)}) from error
    if not isinstance(told, dict):
        raise _wrong(_("The file holds no definitions: they are one JSON object."))
    return told


def of_document(told: Mapping[str, Any], *, vhost: str | None = None) -> document.Read:
    """Return the objects of a document, as they are written there; `vhost`: where those go that name none.

    Raises Refusal (422) with a sentence.
    """
    if not any(section in told for section in kinds.SECTIONS.values()):
        text = _("The file holds no definitions: it has none of %(names)s.")
        raise _wrong(text % {"names": ", ".join(dict.fromkeys(kinds.SECTIONS.values()))})
    _check_text(told)
    if document.is_of_one_vhost(told) and not vhost:
        raise _wrong(_("These are the definitions of one virtual host: say of which one."), "vhost")
    try:
        return document.read(told, vhost=vhost if vhost and document.is_of_one_vhost(told) else "")
    except Unreadable as error:
        raise _wrong(_words(error)) from error


def _check_text(told: Mapping[str, Any]) -> None:
    """Refuse what JSON can say and neither RabbitMQ nor a page can: infinite numbers, halves of a character."""
    try:
        json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise _wrong(_("The file holds what cannot be sent: %(why)s") % {"why": _plain(error)}) from error


def _plain(error: Exception) -> str:
    return str(error).encode("ascii", "backslashreplace").decode()


def exported(source: Source, *, vhost: str | None = None) -> dict[str, Any]:
    """Return a document that RabbitMQ imports: without password hashes, and with other secrets masked."""
    return document.written(
        {
            key: secret.without_prints(body)
            for key, body in source.objects.items()
            if vhost is None or key.vhost == vhost
        },
        version=source.rabbitmq_version,
    )


def vhosts_of(objects: Snapshot) -> list[str]:
    """Return the names of the virtual hosts."""
    return sorted(key.vhost for key in objects if key.kind == kinds.VHOST)


def one(objects: Snapshot, object_id: str) -> tuple[Key, Body] | None:
    """Return the object that an id stands for."""
    return next(((key, body) for key, body in objects.items() if key.id == object_id), None)


def _words(error: Unreadable) -> str:
    if not error.place and error.lacks:
        return _("The file's “%(section)s” is no object.") % {"section": error.section}
    if not error.place:
        return _("The file's “%(section)s” is no list.") % {"section": error.section}
    if not error.lacks:
        return _("Number %(place)s of the file's “%(section)s” is no object.") % {
            "place": error.place,
            "section": error.section,
        }
    return _("Number %(place)s of the file's “%(section)s” lacks “%(name)s”.") % {
        "place": error.place,
        "section": error.section,
        "name": error.lacks,
    }


def _wrong(text: str, field: str = "file") -> Refusal:
    return Refusal(text, "invalid", status=422, fields={field: text})
