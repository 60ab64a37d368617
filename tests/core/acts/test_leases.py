"""One holder at a time, also when many reach for it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from mqadmin.core.acts import leases
from mqadmin.core.models import Lease


def test_a_lease_is_exclusive_renewable_and_released(db: None) -> None:
    assert leases.acquire("monitor:a", "one", 30)
    assert not leases.acquire("monitor:a", "two", 30)
    assert leases.acquire("monitor:b", "two", 30)
    before = Lease.objects.get(name="monitor:a").expires_at
    assert leases.acquire("monitor:a", "one", 60)
    assert Lease.objects.get(name="monitor:a").expires_at > before
    leases.release("monitor:a", "two")
    assert not leases.acquire("monitor:a", "two", 30)
    leases.release("monitor:a", "one")
    assert leases.acquire("monitor:a", "two", 30)


def test_an_expired_lease_may_be_taken(db: None) -> None:
    leases.acquire("x", "one", 30)
    Lease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert leases.acquire("x", "two", 30)
    assert not leases.acquire("x", "one", 30)


def test_of_eight_at_once_one_gets_it(transactional_db: None) -> None:
    def reach(number: int) -> bool:
        try:
            return leases.acquire("x", f"holder {number}", 30)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(reach, range(8))) == 1
