"""Browsers at addresses, who try to sign in."""

from __future__ import annotations

from datetime import timedelta

from axes.models import AccessAttempt
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from tests.core.conftest import PASSWORD

HERE, THERE, ELSEWHERE = "203.0.113.7", "198.51.100.8", "192.0.2.9"


def attempt(client: Client, name: str = "viewer", password: str = "wrong", **meta: str) -> HttpResponse:  # noqa: S107
    response: HttpResponse = client.post("/login/", {"username": name, "password": password}, **meta)  # type: ignore[arg-type]
    return response


def is_in(client: Client, name: str = "viewer", **meta: str) -> bool:
    """Whether the right password opens."""
    return attempt(client, name, PASSWORD, **meta).status_code == 302


def at(address: str) -> Client:
    """A browser at an address that has never been here."""
    return Client(REMOTE_ADDR=address)


def known(address: str, name: str = "viewer") -> Client:
    """A browser that has signed in and out."""
    client = at(address)
    assert is_in(client, name)
    client.post("/logout/")
    return client


def hammer(address: str, times: int, name: str = "viewer") -> None:
    """A stranger tries so often, without cookies."""
    for _try in range(times):
        attempt(at(address), name)


def minutes_pass(minutes: float) -> None:
    """What was counted becomes older."""
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=minutes))
    assert timezone.now()
