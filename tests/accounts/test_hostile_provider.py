"""What is sent back by somebody else, twice, or wrong: nobody is signed in, and a sentence says why."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client

from mqadmin.accounts.provider import conversation
from tests.accounts.conftest import begin, said, sign_on
from tests.support import openid
from tests.support.openid import Claims, Provider

pytestmark = [pytest.mark.django_db, pytest.mark.any_database, pytest.mark.usefixtures("no_broker")]


TIMES = {"exp", "iat", "nbf"}


def _at(now: float, name: str, value: Any) -> Any:
    return now + value if name in TIMES and value is not None else value


def outside(browser: Client, words: str) -> None:
    """Nobody came in, and the page says why, once."""
    assert browser.get("/queues/").status_code == 302
    text = said(browser)
    assert words in text
    assert words not in said(browser)
    assert not User.objects.exists()


def test_a_state_opens_once(provider: Provider) -> None:
    browser = Client()
    back = provider.approve(begin(browser), "eve")
    assert browser.get(back)["Location"] == "/"
    browser.post("/logout/")
    assert browser.get(back)["Location"] == "/login/"
    assert "took too long, or was begun in another browser" in said(browser)
    assert browser.get("/queues/").status_code == 302


def test_a_state_is_of_the_browser_that_began(provider: Provider) -> None:
    back = provider.approve(begin(Client()), "eve")
    for browser in (Client(), Client()):
        browser.get("/login/with/")
        browser.get(back)
        outside(browser, "was begun in another browser")


@pytest.mark.parametrize(
    "back", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied&state=x"]
)
def test_what_nobody_began_ends_in_words(provider: Provider, back: str) -> None:
    browser = Client()
    browser.get(f"/login/with/back/{back}")
    outside(browser, "Begin again.")


def test_a_state_that_is_too_old_is_lost(provider: Provider) -> None:
    browser = Client()
    back = provider.approve(begin(browser), "eve")
    session = browser.session
    session["socialaccount_states"] = {
        name: [state, since - 601, of] for name, (state, since, of) in session["socialaccount_states"].items()
    }
    session.save()
    browser.get(back)
    outside(browser, "took too long")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nonce": "of another sign-on"}, "cannot be believed"),
        ({"nonce": None}, "cannot be believed"),
        ({"iss": "https://evil.example"}, "cannot be believed"),
        ({"aud": "another-client"}, "cannot be believed"),
        ({"aud": ["another-client"]}, "cannot be believed"),
        ({"aud": ["mqadmin", "another"], "azp": "another"}, "cannot be believed"),
        ({"sub": ""}, "cannot be believed"),
        ({"sub": None}, "cannot be believed"),
        ({"sub": 7}, "cannot be believed"),
        ({"exp": None}, "cannot be believed"),
        ({"exp": -300}, "clock"),  # seconds from now
        ({"iat": 300}, "clock"),
        ({"nbf": 300}, "clock"),
    ],
)
def test_a_token_that_says_something_else_is_refused(provider: Provider, change: Claims, words: str) -> None:
    now = time.time()
    change = {
        name: now + value if isinstance(value, int) and name in TIMES else value
        for name, value in change.items()
    }
    provider.change = lambda claims: {
        name: value for name, value in (claims | change).items() if value is not None
    }
    browser = Client()
    sign_on(browser, provider)
    outside(browser, words)


def test_clocks_may_differ_a_little(provider: Provider) -> None:
    provider.change = lambda claims: claims | {"iat": int(time.time()) + 30, "exp": int(time.time()) - 30}
    assert sign_on(Client(), provider)["Location"] == "/"


def _unsigned(claims: Claims) -> str:
    parts = [{"alg": "none", "typ": "JWT"}, claims]
    return (
        ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        + "."
    )


def _by_secret(claims: Claims) -> str:
    return jwt.encode(claims, openid.SECRET.ljust(64), algorithm="HS512", headers={"kid": "one"})


@pytest.mark.parametrize(
    "sign",
    [
        _unsigned,
        _by_secret,
        lambda claims: openid.signed(claims, by="other"),
        lambda claims: openid.signed(claims, kid="unknown"),
        lambda claims: openid.signed(claims)[:-4] + "AAAA",
        lambda claims: "no token at all",
        lambda claims: "",
        lambda claims: None,
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(provider: Provider, sign: Any) -> None:
    provider.sign = sign
    browser = Client()
    sign_on(browser, provider)
    outside(browser, "cannot be believed")


def test_a_token_of_another_provider_is_refused(provider: Provider) -> None:
    with openid.running() as other:
        other.people["eve"] = {"preferred_username": "eve", "groups": ["rabbit"]}
        # Its own token for this client and this very sign-on, put in where ours is expected.
        provider.sign = lambda claims: openid.signed(claims | {"iss": other.address}, by="other")
        browser = Client()
        sign_on(browser, provider)
        outside(browser, "cannot be believed")
        # Or the browser is sent back by the other one, which says so (RFC 9207).
        provider.sign = openid.signed
        back = provider.approve(begin(browser), "eve")
        browser.get(f"{back}&{urlencode({'iss': other.address})}")
        outside(browser, "cannot be believed")


def test_a_provider_that_calls_itself_otherwise_is_not_gone_to(provider: Provider) -> None:
    provider.discovery["issuer"] = "https://evil.example"
    browser = Client()
    assert browser.get("/login/with/")["Location"] == "/login/"
    outside(browser, "cannot be believed")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("access_denied", "it, or you there, refused"),
        ("temporarily_unavailable", "signs nobody on at the moment"),
        ("login_required", "wants something of you"),
        ("invalid_scope", "refuses what mqadmin asks for (invalid_scope)"),
        ("<script>alert(1)</script>", "refuses what mqadmin asks for (scriptalert1script)"),
    ],
)
def test_what_the_provider_refuses_is_said(provider: Provider, error: str, words: str) -> None:
    browser = Client()
    state = parse_qs(urlsplit(begin(browser, "/queues/")).query)["state"][0]
    response = browser.get(f"/login/with/back/?{urlencode({'error': error, 'state': state})}")
    assert response["Location"] == "/login/?next=%2Fqueues%2F"
    outside(browser, words)


def test_who_refuses_there_is_told_so(provider: Provider) -> None:
    browser = Client()
    sign_on(browser, provider, "")
    outside(browser, "Acme did not sign you on")


def test_a_wrong_secret_is_named(provider: Provider, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.MQADMIN_OIDC_CLIENT_SECRET = "an-old-one-of-last-year"
    browser = Client()
    sign_on(browser, provider)
    outside(browser, "its client ID or secret is wrong")
    assert "an-old-one-of-last-year" not in caplog.text


def test_a_provider_that_is_away_is_named(provider: Provider) -> None:
    provider.is_broken = True
    browser = Client()
    assert browser.get("/login/with/?next=/queues/")["Location"] == "/login/?next=%2Fqueues%2F"
    outside(browser, "Acme does not answer mqadmin as it should")
    provider.is_broken = False
    back = provider.approve(begin(browser), "eve")
    provider.is_broken = True
    browser.get(back)
    outside(browser, "Acme does not answer mqadmin as it should")


def test_a_provider_that_is_nowhere_is_named(settings: Any, provider: Provider) -> None:
    settings.MQADMIN_OIDC_ISSUER = "http://127.0.0.1:1"
    browser = Client()
    browser.get("/login/with/")
    outside(browser, "Acme does not answer mqadmin as it should")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_a_provider_that_says_too_little_is_named(provider: Provider, name: str) -> None:
    provider.discovery[name] = None
    browser = Client()
    browser.get("/login/with/")
    outside(browser, "does not answer mqadmin as it should")


def test_what_it_says_of_itself_is_asked_once_a_minute(provider: Provider) -> None:
    for _time in range(3):
        begin(Client())
    assert provider.asked.count(("GET", "/.well-known/openid-configuration")) == 1
    conversation.forget()
    begin(Client())
    assert provider.asked.count(("GET", "/.well-known/openid-configuration")) == 2
