"""People with a second factor, and how they sign in and set one up."""

from __future__ import annotations

import re
from typing import Any

from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.test import Client

from mqadmin.accounts.two_factor import codes
from tests.core.conftest import PASSWORD, make_user

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code(secret: str = SECRET, ahead: int = 0) -> str:
    """What an app shows now."""
    step = int(totp.time.time()) // 30 + ahead
    return totp.format_hotp_value(totp.hotp_value(secret, step))


def make_with_app(role: str = "viewer") -> User:
    user = make_user(role)
    codes.add_app(user, SECRET, 0)
    return user


def password(browser: Client, name: str = "viewer", to: str = "") -> Any:
    """Give the right password."""
    return browser.post("/login/", {"username": name, "password": PASSWORD, "next": to})


def second(browser: Client, given: str) -> Any:
    return browser.post("/login/second/", {"code": given})


def is_in(browser: Client) -> bool:
    return browser.get("/queues/").status_code == 200


def inside(name: str = "viewer") -> Client:
    """Somebody who has just signed in by password alone."""
    make_user(name)
    browser = Client()
    password(browser, name)
    return browser


def shown(browser: Client) -> tuple[str, str]:
    """Return the secret that the page shows, and how its form carries it."""
    page = browser.get("/account/two-factor/app/").text
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', page)
    sealed = re.search(r'name="sealed" value="([^"]+)"', page)
    assert secret
    assert sealed
    assert "data:image/svg+xml;base64," in page
    return secret[1].replace(" ", ""), sealed[1]


def add_app(browser: Client) -> tuple[str, list[str]]:
    """Set up an app; return its secret and the recovery codes."""
    secret, sealed = shown(browser)
    page = browser.post("/account/two-factor/app/", {"sealed": sealed, "code": code(secret)}).text
    return secret, re.findall(r"<code>(\d{4}-\d{4})</code>", page)
