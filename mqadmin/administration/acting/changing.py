"""The one way by which anything of a broker is changed here: audited, refused in words, seen at once."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

from mqadmin.administration.listing import asking
from mqadmin.administration.listing.kinds import Name
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.hiding import hidden
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.errors import (
    BadResponse,
    ChannelLost,
    ManagementUnavailable,
    NotFound,
    RabbitError,
    Refused,
)
from mqadmin.rabbit.management_api.client import ManagementClient

log = logging.getLogger(__name__)

LONGEST = 255  # bytes of a name


@dataclass
class Change:
    """An act under way: its entry in the audit log, and the client to make it with."""

    entry: AuditEntry
    client: ManagementClient

    def was(self, **values: Any) -> None:
        """Note in the audit log what was there before; what may be secret in it is hidden."""
        self.entry.detail = {**self.entry.detail, "was": hidden(values)}


@contextmanager
def change(
    *,
    by: Actor,
    action: str,
    broker: str,
    target: str,
    kinds: Sequence[Name],
    vhost: str | None = None,
    picks: bool = False,
    detail: Mapping[str, Any] | None = None,
    secrets: frozenset[str] = frozenset(),
) -> Iterator[Change]:
    """Record an act around the block that does it, and have the lists that show it asked for again.

    `vhost`: the virtual host that it is about, None: the whole broker. Raises Http404, PermissionDenied, and
    nothing is recorded, where who asks may not do so with all of that. `picks`: the block itself picks what they
    may.

    What the broker refuses leaves as Refusal, in its own words: 404 `not_found`, 409 for all else that asking again
    does not change. That it does not answer stays a RabbitError. `detail` goes into the audit log, with what may be
    secret in it hidden, and those values that are `secrets` altogether. Raises ConfigurationError, django.db.Error.
    """
    if picks:
        permissions.require_within(broker)
    else:
        permissions.require(broker, vhost)
    told = hidden(dict(detail or {}), secrets)
    with audit.act(by=by, action=action, broker=broker, target=target, detail=told) as entry:
        try:
            yield Change(entry, brokers.client(broker))
        except RabbitError as error:
            refusal = refused(error)
            if refusal is None:
                raise
            raise refusal from error
        finally:
            outdate(broker, kinds)


def refused(error: RabbitError) -> Refusal | None:
    """Return what a broker said no with as a Refusal, None where it did not say no: it does not answer."""
    if isinstance(error, NotFound):
        return Refusal(str(error), error.code, status=404)
    if error.code == "login_refused" or isinstance(error, ManagementUnavailable):
        return None
    return Refusal(str(error), error.code) if isinstance(error, Refused | BadResponse | ChannelLost) else None


def require_name(field: str, value: str, *, empty: bool = False, declared: bool = False) -> str:
    """Return a name that RabbitMQ can take. Raises Refusal (422, with the field to blame).

    `declared`: of a queue or an exchange; RabbitMQ would take line ends out of it, and make one of another name.
    """
    text = ""
    if not value and not empty:
        text = _("A name is needed.")
    elif len(value.encode("utf-8", "surrogatepass")) > LONGEST:
        text = _("That is longer than %(n)d bytes.") % {"n": LONGEST}
    elif "\0" in value or not _is_text(value):
        text = _("That is not valid text.")
    elif declared and ("\n" in value or "\r" in value):
        text = _("RabbitMQ takes line ends out of a name. Write it without them.")
    if text:
        raise Refusal(text, "invalid", status=422, fields={field: text})
    return value


def blame(field: str, text: str) -> Refusal:
    """Return the refusal of a value that cannot be used, with the field to blame."""
    return Refusal(text, "invalid", status=422, fields={field: text})


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def outdate(broker: str, kinds: Sequence[Name]) -> None:
    """Have these lists asked for again by whoever looks next. Never raises."""
    try:
        asking.changed(broker, kinds)
    except (
        DatabaseError
    ):  # the act is done: that a list shows it seconds later is no reason to call it failed
        log.exception("lists of %s: it could not be noted that something changed", broker)
