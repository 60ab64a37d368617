"""Who has no row of its own says in a lease that it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from mqadmin.core.acts import signs
from mqadmin.core.acts.signs import Sign
from mqadmin.core.models import Lease
from tests.support.waiting import wait_until


@contextmanager
def shown(sign: Sign) -> Iterator[None]:
    sign.start()
    try:
        yield
    finally:
        sign.stop()


def heard(name: str) -> object:
    return Lease.objects.filter(name=name).values_list("renewed_at", flat=True).first()


@pytest.mark.django_db(transaction=True)
def test_it_is_said_again_and_again_and_its_last_word_stays() -> None:
    with shown(Sign("web", every=0.01)):
        first = wait_until(lambda: heard("web"), 10)
        wait_until(lambda: heard("web") != first, 10)
    assert heard("web")
    assert signs.silent() == {}
    at = timezone.now() - timedelta(seconds=signs.SILENT_S + 1)
    Lease.objects.update(renewed_at=at)
    assert signs.silent() == {"web": at}


@pytest.mark.django_db(transaction=True)
def test_who_is_there_and_does_nothing_is_silent() -> None:
    works = False
    with shown(Sign("beat", lambda: works, every=0.01)), shown(Sign("web", every=0.01)):
        wait_until(lambda: heard("web"), 10)
        assert not heard("beat")
        works = True
        wait_until(lambda: heard("beat"), 10)


@pytest.mark.django_db
def test_who_was_never_there_and_what_is_no_process_is_not_missed() -> None:
    assert signs.silent() == {}
    long_ago = timezone.now() - timedelta(days=1)
    Lease.objects.create(name="monitor:default", holder="x", expires_at=long_ago, renewed_at=long_ago)
    assert signs.silent() == {}
