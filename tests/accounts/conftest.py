"""A provider to sign on at, and the way there and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from mqadmin.accounts.provider import conversation
from tests.core.conftest import sign_in  # noqa: F401
from tests.support import openid
from tests.support.openid import Provider


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider that the settings name, with two people."""
    monkeypatch.setitem(os.environ, "OAUTHLIB_INSECURE_TRANSPORT", "1")
    with openid.running() as found:
        found.people |= {
            "eve": {"preferred_username": "eve", "groups": ["oncall"]},
            "bob": {"preferred_username": "bob", "groups": []},
        }
        settings.MQADMIN_OIDC_ISSUER = found.address
        settings.MQADMIN_OIDC_CLIENT_ID = openid.CLIENT
        settings.MQADMIN_OIDC_CLIENT_SECRET = openid.SECRET
        settings.MQADMIN_OIDC_NAME = "Acme"
        settings.MQADMIN_OIDC_ROLES = {"oncall": "operator", "rabbit": "admin", "*": "viewer"}
        conversation.forget()
        yield found
        conversation.forget()


def begin(browser: Client, to: str = "") -> str:
    """Return where a browser is sent to sign on."""
    response = browser.get("/login/with/", {"next": to} if to else {})
    assert response.status_code == 302, response.content
    return str(response["Location"])


def sign_on(browser: Client, provider: Provider, who: str = "eve", to: str = "") -> Any:
    """Go there and back; return the answer to coming back."""
    return browser.get(provider.approve(begin(browser, to), who))


def said(browser: Client) -> str:
    """Return what the page says where one signs in."""
    return browser.get("/login/").text


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The time that codes go by: `clock(30)` lets it pass."""
    now = [time.time()]
    monkeypatch.setattr(totp.time, "time", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes
