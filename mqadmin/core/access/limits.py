"""How often a password may be wrong: for a name and an address together, for each alone, and in a known browser.

Counted in the table of django-axes, a row for each name and address: so `manage.py axes_reset_username` and its
like lift a lock. What is tried during a lock is neither checked nor counted nor written: it does not make the lock
last, and the table does not grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from axes.models import AccessAttempt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Case, F, Q, QuerySet, Sum, Value, When
from django.http import HttpRequest
from django.utils import timezone

from mqadmin.core.access import addresses, known

MOST_ROWS = 10_000
LONGEST_NAME = 150  # characters, of an account
_AT_ONCE = 500  # rows that make room for new ones

CODE = "second factor"  # counts by itself

Lock = Literal["", "browser", "pair", "name", "address", "code"]


@dataclass(frozen=True)
class Place:
    """Who tries from where. `site`: of `addresses.site`; `counter`: "" unless it is counted by itself."""

    name: str
    site: str
    counter: str = ""


def place(request: HttpRequest, name: str) -> Place:
    """Return who tries to sign in: a browser that is known for `name` counts by itself.

    Of a name that is too long for any account the beginning counts.
    """
    browser = known.browser(request, name)
    return Place(
        name[:LONGEST_NAME],
        addresses.site(addresses.client(request)),
        f"browser {browser}" if browser else "",
    )


def of_codes(name: str) -> Place:
    """Return what counts wrong codes of a name's second factor: one place, from wherever they come. Whoever gets as
    far knows the password, so no stranger locks anybody out."""
    return Place(name[:LONGEST_NAME], addresses.NOWHERE, CODE)


def wait() -> timedelta:
    """Return how long a lock lasts, after the last try that counted."""
    return timedelta(hours=settings.AXES_COOLOFF_TIME)


def locked(at: Place) -> Lock:
    """Return what is locked, "" when `at` may try.

    Strangers' tries lock neither a browser that is known nor, unless they come from the same address and for the
    same name, an address that is.
    """
    now = timezone.now()
    recent = AccessAttempt.objects.filter(attempt_time__gt=now - wait())
    if at.counter:
        lock: Lock = "code" if at.counter == CODE else "browser"
        return lock if _sum(_of(at, recent)) >= settings.AXES_FAILURE_LIMIT else ""
    if _sum(_of(at, recent)) >= settings.AXES_FAILURE_LIMIT:
        return "pair"
    shared = recent.filter(user_agent="")
    over: Lock = ""
    if _sum(shared.filter(username=at.name)) >= settings.MQADMIN_SIGN_IN_LIMIT:
        over = "name"
    elif _sum(shared.filter(ip_address=at.site)) >= settings.MQADMIN_SIGN_IN_LIMIT:
        over = "address"
    return "" if over and known.is_known_address(at.name, at.site, now) else over


def failed(at: Place) -> None:
    """Count a wrong password."""
    if _counted(at):
        return
    if AccessAttempt.objects.count() >= MOST_ROWS:
        oldest = AccessAttempt.objects.order_by("attempt_time").values_list("pk", flat=True)[:_AT_ONCE]
        AccessAttempt.objects.filter(pk__in=list(oldest)).delete()
    try:
        with transaction.atomic():
            AccessAttempt.objects.create(
                username=at.name, ip_address=at.site, user_agent=at.counter, failures_since_start=1
            )
    except IntegrityError:  # another try was first to make the row
        _counted(at)


def succeeded(at: Place) -> None:
    """Forget what was wrong before the right password, in this place only."""
    _of(at, AccessAttempt.objects.all()).delete()


def forget(name: str) -> int:
    """Forget what was wrong for a name, in whatever place; return in how many."""
    return int(AccessAttempt.objects.filter(username=name).delete()[0])


def wrong(name: str) -> int:
    """Return how many passwords were wrong lately for a name, in whatever place: what an unlocking forgets."""
    recent = AccessAttempt.objects.filter(username=name, attempt_time__gt=timezone.now() - wait())
    return _sum(recent)


def failures(at: Place) -> int:
    """Return how often the password was wrong in this place lately."""
    return _sum(_of(at, AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - wait())))


def _counted(at: Place) -> bool:
    now = timezone.now()
    again = Case(
        When(Q(attempt_time__lte=now - wait()), then=Value(1)), default=F("failures_since_start") + Value(1)
    )
    rows = _of(at, AccessAttempt.objects.all())
    return bool(rows.update(failures_since_start=again, attempt_time=now))


def _of(at: Place, rows: QuerySet[AccessAttempt]) -> QuerySet[AccessAttempt]:
    return rows.filter(username=at.name, ip_address=at.site, user_agent=at.counter)


def _sum(rows: QuerySet[AccessAttempt]) -> int:
    return rows.aggregate(n=Sum("failures_since_start"))["n"] or 0
