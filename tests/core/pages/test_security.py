"""Closed by default: sign-in everywhere, a strict policy for content, no script or style inside the pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.core.conftest import SignIn

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
SCRIPTS = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
# The link has a right of its own: it is signed. The others are ways in: tests/accounts.
WAYS_IN = {"login", "provider_begin", "provider_back", "second_factor", "passkey_sign_in", "passkey_asked"}
OPEN = {"healthz", "theme", "language", "incident_link"} | WAYS_IN
FORBIDDEN = {
    "an inline script": r"<script(?![^>]*\ssrc=)(?![^>]*type=\"application/json\")[^>]*>",
    "an inline style": r"<style|\sstyle=",
    "an event attribute": r"\son[a-z]+\s*=",
    "htmx code": r"hx-on|data-hx-on|javascript:|['\"]js:",
    "a trigger filter, which needs eval": r"hx-trigger=\"[^\"]*\[",
    "another host": r"(?:src|href)=\"(?:https?:)?//",
    "markup that trusts its input": r"\|\s*safe\b|\{%\s*autoescape off",
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_templates_hold_nothing_the_policy_forbids(path: Path) -> None:
    text = path.read_text()
    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]
    assert found == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_build_no_markup_from_text(path: Path) -> None:
    assert not re.findall(
        r"\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


def test_python_trusts_no_markup() -> None:
    roots = [settings.BASE_DIR / "mqadmin", settings.BASE_DIR / "consumers"]
    offenders = [
        str(path)
        for root in roots
        for path in root.rglob("*.py")
        if re.search(r"mark_safe\(", path.read_text())
    ]
    assert offenders == []


def test_the_policy_and_its_companions_are_sent(client: Client, db: None) -> None:
    response = client.get("/login/")
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"


def _views(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    for item in patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            if item.namespace != "api":
                yield from _views(item.url_patterns, route)
        else:
            yield (
                item.name or route,
                "/" + re.sub(r"<(?:int:)?\w+>", "1", re.sub(r"<(?:str|slug|path):\w+>", "x", route)),
            )


def test_every_page_asks_for_a_sign_in(client: Client, db: None) -> None:
    seen = 0
    for name, address in _views(get_resolver().url_patterns):
        # A scraper and a screen are told so in a 401: a form to sign in is no answer for them.
        if name in OPEN | {"metrics", "wall", "wall_open"}:
            continue
        seen += 1
        for method in (client.get, client.post):
            response = method(address)
            assert response.status_code == 302, (name, address, response.status_code)
            assert response["Location"].startswith("/login/"), (name, address)
    assert seen >= 8


def test_every_get_page_refuses_whoever_has_no_role(sign_in: SignIn) -> None:
    client = sign_in("")
    allowed = {"password_change", "password_change_done"}
    for name, address in _views(get_resolver().url_patterns):
        if name in OPEN | allowed | {"logout", "wall_open"}:
            continue
        if name.startswith("two_factor"):  # one's own, whatever one's role
            continue
        assert client.get(address).status_code in (403, 405), (name, address)


def test_a_post_without_the_token_is_refused_in_words(sign_in: SignIn) -> None:
    client = sign_in("operator", enforce_csrf_checks=True)
    response = client.post("/operations/1/cancel/")
    assert response.status_code == 403
    assert "Reload the page" in response.text


def test_cookies_are_closed(client: Client, db: None) -> None:
    assert settings.SESSION_COOKIE_HTTPONLY
    assert settings.CSRF_COOKIE_HTTPONLY
    response = client.get("/login/")
    assert response.cookies["csrftoken"]["httponly"]
    assert response.cookies["csrftoken"]["samesite"] == "Lax"
