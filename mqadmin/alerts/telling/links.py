"""Addresses in messages: the incident's page, and a signed link by which one acknowledges without signing in.

The link says which incident and until when, signed with SECRET_KEY. It shows a page that asks; the act is a POST.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import NoReverseMatch, reverse

from mqadmin.alerts.models import Incident

VALID = timedelta(days=3)
_SALT = "mqadmin.alerts.link"


@dataclass(frozen=True)
class Expired(Exception):
    """A link that was good once."""

    incident_id: int


def base() -> str:
    """Return the address that people have mqadmin under, without a slash at its end; "" when nobody said it."""
    return str(settings.MQADMIN_PUBLIC_URL)


def incident(found: Incident) -> str:
    """Return the whole address of an incident's page, "" without MQADMIN_PUBLIC_URL."""
    return _whole("incident_detail", str(found.pk), "alerts/incidents/")


def acting(found: Incident) -> str:
    """Return the address of the page by which one acknowledges or snoozes, "" without MQADMIN_PUBLIC_URL."""
    return _whole("incident_link", token(found), "alerts/links/")


def token(found: Incident) -> str:
    """Return what stands in that address."""
    return signing.TimestampSigner(salt=_SALT).sign(str(found.pk))


def read(text: str) -> int:
    """Return the id of the incident that a token is about. Raises signing.BadSignature, Expired."""
    signer = signing.TimestampSigner(salt=_SALT)
    try:
        return int(signer.unsign(text, max_age=VALID))
    except signing.SignatureExpired:
        raise Expired(int(signer.unsign(text))) from None
    except ValueError as error:
        raise signing.BadSignature(str(error)) from None


def _whole(name: str, argument: str, otherwise: str) -> str:
    if not base():
        return ""
    try:
        path = reverse(name, args=[argument])
    except NoReverseMatch:
        path = f"{settings.BASE_PATH}/{otherwise}{argument}/"
    # Django's own path begins with the one below which mqadmin is, as the whole address may end with it.
    return base().removesuffix(settings.BASE_PATH) + path
