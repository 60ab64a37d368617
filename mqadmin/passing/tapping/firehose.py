"""The firehose on and off: never where somebody else has it on, and never left on.

A row is written before tracing is switched on, and goes once it is off. Any process that finds the row and no open
tap that needs it switches it off: the one that held the tap, the monitor's thread, or the next monitor after a
`kill -9` of everything.
"""

from __future__ import annotations

import logging
import threading

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.passing.models import Firehose, Tap
from mqadmin.rabbit.administration import tracing
from mqadmin.rabbit.errors import ConfigurationError, NotFound, RabbitError

log = logging.getLogger(__name__)
_switching = threading.Lock()


def switch_on(broker: str, vhost: str) -> None:
    """Switch tracing on, unless we have it on already. Raises Refusal where somebody else has, RabbitError."""
    # One tap after the other: what a second one switched on would be somebody else's to the first, and stay on.
    with _switching:
        _switch_on(broker, vhost)


def _switch_on(broker: str, vhost: str) -> None:
    client = brokers.client(broker)
    try:
        with transaction.atomic():
            Firehose.objects.create(broker=broker, vhost=vhost)
    except IntegrityError:
        tracing.switch(client, vhost, on=True)  # ours already; a node that was restarted has forgotten it
        return
    is_others = False
    try:
        is_others = tracing.is_on(client, vhost)
        if not is_others:
            tracing.switch(client, vhost, on=True)
    except RabbitError:
        if not _may_be_on(broker, vhost):
            Firehose.objects.filter(broker=broker, vhost=vhost).delete()
        raise
    if is_others:
        Firehose.objects.filter(broker=broker, vhost=vhost).delete()
        raise Refusal(taken(vhost), "tracing_on")


def taken(vhost: str) -> str:
    """Return why the firehose is not used where somebody else does."""
    text = _(
        "Tracing of the virtual host “%(vhost)s” is on already, and not by mqadmin: it is left to who uses it."
    )
    return text % {"vhost": vhost}


def _may_be_on(broker: str, vhost: str) -> bool:
    """Whether tracing may be on after a call that failed: then the row must stay."""
    try:
        return tracing.is_on(brokers.client(broker), vhost)
    except NotFound:
        return False
    except RabbitError as error:
        return error.kind == "connection"


def sweep(broker: str = "") -> int:
    """Switch tracing off wherever no open tap needs it; of one broker or of all. Returns how often.

    What cannot be switched off now is tried again by the next sweep. Raises django.db.Error.
    """
    rows = Firehose.objects.filter(broker=broker) if broker else Firehose.objects.all()
    done = 0
    for row in _not_needed(rows):
        if _off(row):
            done += 1
    return done


def _not_needed(rows: QuerySet[Firehose]) -> QuerySet[Firehose]:
    taps = Tap._base_manager.filter(  # of everybody, whoever stops one
        broker=OuterRef("broker"), vhost=OuterRef("vhost"), is_firehose=True, state__in=Tap.OPEN
    )
    return rows.filter(~Exists(taps))


def _off(row: Firehose) -> bool:
    words = ""
    try:
        tracing.switch(brokers.client(row.broker), row.vhost, on=False)
    except NotFound:
        pass  # the virtual host is gone, and tracing with it
    except ConfigurationError as error:
        words = str(error)
    except RabbitError as error:
        words = str(error)
    if words:
        if words != row.words:
            log.warning("tracing of %s on %s could not be switched off: %s", row.vhost, row.broker, words)
            Firehose.objects.filter(pk=row.pk).update(words=words[:500])
        return False
    # A tap that was started meanwhile keeps the row: without it, what that tap switched on would stay on.
    if not _not_needed(Firehose.objects.filter(pk=row.pk)).delete()[0]:
        return False
    log.info("tracing of %s on %s is off again", row.vhost, row.broker)
    return True
