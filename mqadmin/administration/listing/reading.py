"""What a page or a call is shown of a list: its rows, how old they are, what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, OperationalError
from django.utils import timezone

from mqadmin.administration.listing import asking, tables
from mqadmin.administration.listing.kinds import Kind
from mqadmin.administration.listing.tables import Table
from mqadmin.administration.models import Listing
from mqadmin.core.rights import asking as asking_who

log = logging.getLogger(__name__)

NOTED_S = 10.0  # so often at most it is written down that somebody looks
ASKED_S = 12.0  # after so long nobody else asks for it: the one who looks does
PATIENCE = 2.5  # the same in intervals, of what is asked for less often
STALE = 4  # intervals after which rows are called old


@dataclass(frozen=True)
class Seen:
    """A list as it is known now. `rows()` reads the rows of who asks; all else is known without."""

    kind: Kind
    listing: Listing
    now: datetime

    def rows(self) -> Table:
        """Return the rows that who asks may see."""
        return tables.theirs(self.listing.broker, tables.table(self.kind, self.listing))

    @property
    def is_known(self) -> bool:
        """Whether the broker ever answered."""
        return self.listing.taken_at is not None

    @property
    def is_old(self) -> bool:
        """Whether what is shown is older than it should be."""
        taken = self.listing.taken_at
        limit = timedelta(seconds=max(15.0, STALE * asking.interval(self.listing)))
        return taken is not None and self.now - taken > limit

    @property
    def is_cut(self) -> bool:
        """Whether the broker has more than is kept, as far as who asks may know."""
        return self.listing.total > self.listing.count and asking_who.limited() is None

    @property
    def known_by(self) -> Hashable:
        """All that is shown of it, but for ticking ages."""
        listing = self.listing
        at = listing.taken_at if self.is_old or listing.error else None
        return (
            listing.pk,
            listing.digest,
            listing.total,
            listing.error,
            listing.error_code,
            self.is_known,
            at,
        )


def look(broker: str, kind: Kind) -> Seen:
    """Return a list as it is known, and note that it is wanted: the monitor then asks for it again and again.

    Where nobody asked for it a while ago (no monitor runs, or nobody looked), the broker is asked now; whoever
    looks meanwhile waits for the same answer. What the broker refuses, or that it does not answer, is in the
    listing. Raises ConfigurationError for a broker that is not configured, django.db.Error.
    """
    listing = asking.find(broker, kind)
    now = timezone.now()
    after = max(ASKED_S, PATIENCE * asking.interval(listing))
    if asking.is_due(listing, now, after):
        listing = asking.ask(listing, kind, after=after, wait=asking.WAIT_S)
    _want(listing, now)
    return Seen(kind, listing, timezone.now())


def glance(broker: str, kind: Kind) -> Seen:
    """Return a list as it is known, without asking for it: the monitor will, for this notes that it is wanted.

    For a part of a page that is about something else, which must show without it: a list of which nothing can be
    noted is one that is not known. Raises django.db.Error where nothing can be read.
    """
    now = timezone.now()
    try:
        listing = asking.find(broker, kind)
    except OperationalError as error:
        log.warning("it could not be noted that %s of %s are wanted: %s", kind.name, broker, error)
        return Seen(kind, Listing(broker=broker, kind=kind.name), now)
    _want(listing, now)
    return Seen(kind, listing, now)


def _want(listing: Listing, now: datetime) -> None:
    if listing.wanted_at is not None and timedelta() <= now - listing.wanted_at < timedelta(seconds=NOTED_S):
        return
    try:
        unnoted = Listing.objects.filter(pk=listing.pk, wanted_at=listing.wanted_at)
        unnoted.update(wanted_at=now)
    except DatabaseError as error:  # a page that only shows must not need to write
        log.warning("it could not be noted that %s is wanted: %s", listing, error)
