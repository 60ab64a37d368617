"""Celery tasks of the dead letters: the index of the search, claims, and what a person has switched on."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable
from typing import TypeVar

from mqadmin.celery import app
from mqadmin.core.acts import leases
from mqadmin.deadletters.automatic import breaker, retries
from mqadmin.deadletters.requeue import claims
from mqadmin.deadletters.search import fulltext

LEASE_SECONDS = 120.0
T = TypeVar("T")


@app.task(name="mqadmin.deadletters.index_letters")
def index_letters() -> int:
    """Catch the search's index up with the letters; returns how many."""
    return _alone("deadletters.words", fulltext.catch_up) or 0


@app.task(name="mqadmin.deadletters.write_down_claims")
def write_down_claims() -> int:
    """Show of letters whose worker is gone that they are claimed; returns for how many operations."""
    return claims.write_down_orphans()


@app.task(name="mqadmin.deadletters.retry_letters")
def retry_letters() -> int:
    """Requeue the letters whose rules say that they are due."""
    return _alone("deadletters.retries", retries.step) or 0


@app.task(name="mqadmin.deadletters.look_at_breakers")
def look_at_breakers() -> None:
    """Pause, try and resume consumers as their breakers say."""
    _alone("deadletters.breakers", breaker.step)


def _alone(name: str, function: Callable[[], T]) -> T | None:
    """Call it unless another worker is at it."""
    holder = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    if not leases.acquire(name, holder, LEASE_SECONDS):
        return None
    try:
        return function()
    finally:
        leases.release(name, holder)
