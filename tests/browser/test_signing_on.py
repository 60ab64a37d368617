"""Signing on by clicks: at a provider and out again, with an app, with a passkey of Chromium's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from mqadmin.core import permissions
from tests.accounts.conftest import provider  # noqa: F401
from tests.browser.test_every_page import AXE, at_every_width, axe
from tests.core.conftest import PASSWORD, make_user
from tests.support.openid import Provider
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.any_version, pytest.mark.usefixtures("no_broker")]


@pytest.fixture
def visitor(chromium: Browser, live_server: LiveServer) -> Iterator[Page]:
    """A page of nobody yet; an error of a script, or what the policy of contents blocks, fails the test."""
    permissions.ensure_roles()
    # Passkeys are for hosts with a name.
    address = live_server.url.replace("127.0.0.1", "localhost")
    context = chromium.new_context(base_url=address, reduced_motion="reduce")
    context.add_init_script(path=AXE)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    page.set_default_timeout(patient(15) * 1000)
    yield page
    context.close()
    assert complaints == []


def whole(page: Page) -> None:
    """The page is whole at each width, in light and dark, and has what axe asks for."""
    assert axe(page, set()) | at_every_width(page) == {}


def give_password(page: Page) -> None:
    page.goto("/login/?next=/account/password/")
    page.get_by_label("Name").fill("viewer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def app_code(secret: str, ahead: int = 0) -> str:
    counters = list(totp.yield_hotp_counters_from_time())
    return totp.format_hotp_value(totp.hotp_value(secret, counters[1] + ahead))


def test_there_and_back_and_out_again(visitor: Page, provider: Provider) -> None:  # noqa: F811
    visitor.goto("/account/password/")
    visitor.get_by_role("link", name="Sign on with Acme").click()
    visitor.get_by_role("button", name="Refuse").click()
    expect(visitor.get_by_role("alert")).to_contain_text("Acme did not sign you on")
    whole(visitor)
    visitor.get_by_role("link", name="Sign on with Acme").click()
    expect(visitor).to_have_title("Provider")
    visitor.get_by_role("button", name="eve").click()
    expect(visitor).to_have_url(re.compile(r"\d/account/password/$"))
    expect(visitor.get_by_title("Your account")).to_contain_text("eve")
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor).to_have_url(re.compile(r"/login/$"))
    assert provider.left[0]["client_id"] == "mqadmin"
    visitor.goto("/account/password/")
    expect(visitor.get_by_role("link", name="Sign on with Acme")).to_be_visible()


def test_an_app_then_a_passkey_then_the_passkey_alone(visitor: Page, settings: Any) -> None:
    settings.MQADMIN_REQUIRE_TWO_FACTOR = "everybody"
    make_user("viewer")
    give_password(visitor)
    expect(visitor.get_by_text("must have a second factor")).to_be_visible()

    visitor.get_by_role("link", name="Set up an app").click()
    visitor.get_by_text("It cannot scan").click()
    whole(visitor)
    secret = visitor.locator("#secret").inner_text().replace(" ", "")
    visitor.get_by_label("Type the code").fill(app_code(secret))
    visitor.get_by_role("button", name="Add the app").click()
    expect(visitor.locator(".recovery code")).to_have_count(10)
    whole(visitor)
    visitor.get_by_role("link", name="I have kept them").click()

    devtools = visitor.context.new_cdp_session(visitor)
    devtools.send("WebAuthn.enable")
    key = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": key})
    visitor.get_by_label("Name, to tell them apart").fill("laptop")
    visitor.get_by_role("button", name="Add a passkey").click()
    expect(visitor.get_by_role("button", name="Remove laptop")).to_be_visible()
    visitor.get_by_role("button", name="Add a passkey").click()  # the same again: the browser says no
    expect(visitor.get_by_role("alert")).to_be_visible()

    # As a second factor.
    visitor.get_by_role("button", name="Sign out").click()
    give_password(visitor)
    visitor.get_by_role("button", name="Use your passkey").click()
    expect(visitor).to_have_url(re.compile(r"\d/account/password/$"))

    # By the app.
    visitor.get_by_role("button", name="Sign out").click()
    give_password(visitor)
    visitor.get_by_label("Code of your app").fill(app_code(secret, ahead=1))
    visitor.get_by_role("button", name="Sign in", exact=True).click()
    expect(visitor).to_have_url(re.compile(r"\d/account/password/$"))

    # And alone.
    visitor.get_by_role("button", name="Sign out").click()
    visitor.goto("/login/?next=/account/two-factor/")
    visitor.get_by_role("button", name="Sign in with a passkey").click()
    expect(visitor.get_by_role("button", name="Remove laptop")).to_be_visible()
    whole(visitor)  # not before: to look at each width ends the session of Chromium's authenticator
    visitor.get_by_role("button", name="Remove laptop").click()
    visitor.locator("#confirm").get_by_role("button", name=re.compile("Remove|Yes|OK")).click()
    expect(visitor.get_by_text("Removed.")).to_be_visible()
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    assert User.objects.get().last_login is not None

    visitor.get_by_role("button", name="Sign out").click()
    give_password(visitor)
    expect(visitor.get_by_label("Code of your app")).to_be_visible()
    whole(visitor)
