"""Signing on at an OpenID provider that is real: the way there and back, whose account it is, how it ends."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.checks import run_checks
from django.test import Client

from mqadmin import given
from mqadmin.accounts.provider import conversation
from mqadmin.core import permissions
from mqadmin.core.models import AuditEntry
from tests.accounts.conftest import begin, said, sign_on
from tests.core.conftest import PASSWORD, SignIn, make_user
from tests.core.test_base_path import under  # noqa: F401
from tests.support import openid
from tests.support.openid import Provider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]


def test_who_signs_on_is_in_with_the_role_of_their_groups(provider: Provider) -> None:
    browser = Client()
    assert "Sign on with Acme" in said(browser)
    response = sign_on(browser, provider, to="/queues/?q=x")
    assert (response.status_code, response["Location"]) == (302, "/queues/?q=x")
    assert browser.get("/queues/").status_code == 200
    user = User.objects.get()
    assert (user.username, permissions.role(user), user.has_usable_password()) == ("eve", "operator", False)
    acts = list(AuditEntry.objects.order_by("id").values_list("action", "actor", "outcome"))
    assert acts == [
        ("user.create", "mqadmin", "done"),
        ("user.link", "mqadmin", "done"),
        ("user.sign_in", "eve", "done"),
    ]


def test_it_asks_with_pkce_state_and_nonce(provider: Provider) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begin(Client())).query).items()}
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert min(len(asked["state"]), len(asked["nonce"])) >= 40
    assert asked["redirect_uri"] == "http://testserver/login/with/back/"
    assert asked["scope"].split()[0] == "openid"


def test_the_provider_checks_the_proof_of_the_code(provider: Provider) -> None:
    browser = Client()
    there = begin(browser)
    asked = parse_qs(urlsplit(there).query)["code_challenge"][0]
    back = provider.approve(there.replace(asked, asked[::-1]), "eve")
    assert browser.get(back)["Location"] == "/login/"
    assert "takes that sign-on no more" in said(browser)
    assert not User.objects.exists()


def test_a_role_follows_the_groups_and_leaves_with_them(provider: Provider) -> None:
    for groups, role in ((["rabbit"], "admin"), (["oncall", "other"], "operator"), ([], "viewer")):
        provider.people["eve"]["groups"] = groups
        sign_on(Client(), provider)
        assert permissions.role(User.objects.get()) == role
    assert AuditEntry.objects.filter(action="user.role").count() == 2


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        ("rabbit", "admin"),
        ("a, rabbit", "admin"),
        ([{"name": "rabbit"}, 7, None, "oncall"], "operator"),
        ({"rabbit": 1}, "viewer"),
        (7, "viewer"),
        (None, "viewer"),
    ],
)
def test_groups_come_in_all_forms(provider: Provider, groups: Any, role: str) -> None:
    provider.people["eve"]["groups"] = groups
    sign_on(Client(), provider)
    assert permissions.role(User.objects.get()) == role


def test_a_role_goes_when_the_claim_goes(provider: Provider, settings: Any) -> None:
    settings.MQADMIN_OIDC_ROLES = {"oncall": "admin"}
    sign_on(Client(), provider)
    assert permissions.role(User.objects.get()) == "admin"
    del provider.people["eve"]["groups"]
    browser = Client()
    assert sign_on(browser, provider)["Location"] == "/"
    assert permissions.role(User.objects.get()) == ""
    assert "has no role yet" in browser.get("/").text


def test_rights_that_were_given_here_do_not_outlive_the_groups(provider: Provider) -> None:
    sign_on(Client(), provider)
    user = User.objects.get()
    user.is_superuser = True
    user.save()
    sign_on(Client(), provider)
    assert not User.objects.get().is_superuser


def test_a_claim_deep_inside_and_one_with_dots(provider: Provider, settings: Any) -> None:
    provider.people["eve"] |= {"realm_access": {"roles": ["rabbit"]}, "https://acme/groups": ["oncall"]}
    for claim, role in (("realm_access.roles", "admin"), ("https://acme/groups", "operator")):
        settings.MQADMIN_OIDC_GROUPS_CLAIM = claim
        sign_on(Client(), provider)
        assert permissions.role(User.objects.get()) == role


def test_without_a_claim_of_groups_admins_decide(provider: Provider, settings: Any) -> None:
    settings.MQADMIN_OIDC_GROUPS_CLAIM = ""
    sign_on(Client(), provider)
    user = User.objects.get()
    user.groups.set([make_user("admin").groups.get()])
    sign_on(Client(), provider)
    assert permissions.role(User.objects.get(username="eve")) == "admin"


def test_what_the_token_leaves_out_is_asked_of_userinfo(provider: Provider) -> None:
    provider.in_token = False
    sign_on(Client(), provider)
    assert permissions.role(User.objects.get(username="eve")) == "operator"
    assert ("GET", "/userinfo") in provider.asked


def test_userinfo_of_somebody_else_is_not_believed(provider: Provider) -> None:
    provider.in_token = False
    provider.people["eve"]["sub"] = "id-of-bob"
    browser = Client()
    sign_on(browser, provider)
    assert "cannot be believed" in said(browser)
    assert not User.objects.exists()


def test_a_local_account_is_not_taken_over_by_its_name(provider: Provider) -> None:
    local = make_user("admin")
    provider.people["eve"]["preferred_username"] = "admin"
    browser = Client()
    sign_on(browser, provider)
    assert "An account with a password is called so." in said(browser)
    assert browser.get("/queues/").status_code == 302
    assert not SocialAccount.objects.exists()
    entry = AuditEntry.objects.get(action="user.sign_in")
    assert (entry.outcome, entry.target) == ("refused", "admin")
    assert permissions.role(User.objects.get(pk=local.pk)) == "admin"


def test_a_name_that_was_given_to_somebody_else_does_not_bring_the_account(provider: Provider) -> None:
    sign_on(Client(), provider)
    provider.people["bob"]["preferred_username"] = "eve"
    browser = Client()
    sign_on(browser, provider, "bob")
    assert "belongs to somebody else who signs on there" in said(browser)
    assert User.objects.get().username == "eve"


def test_an_account_stays_somebodys_whatever_they_are_called(provider: Provider) -> None:
    sign_on(Client(), provider)
    provider.people["eve"]["preferred_username"] = "eve.married"
    browser = Client()
    sign_on(browser, provider)
    assert User.objects.get().username == "eve"
    assert browser.get("/queues/").status_code == 200


def test_an_admin_leaves_an_account_to_the_sign_on(provider: Provider, sign_in: SignIn) -> None:
    admin, local = sign_in("admin"), make_user("operator")
    provider.people["eve"]["preferred_username"] = "operator"
    admin.post(f"/accounts/{local.pk}/leave/")
    sign_on(Client(), provider)
    assert SocialAccount.objects.get().user == local
    assert "at Acme" in admin.get(f"/accounts/{local.pk}/").text
    assert (
        admin.post(f"/accounts/{local.pk}/role/", {"role": "admin"}).status_code == 409
    )  # its groups decide
    # Made anew at the provider, with another subject: an admin lets them have their account again.
    provider.people["bob"]["preferred_username"] = "operator"
    sign_on(Client(), provider, "bob")
    admin.post(f"/accounts/{local.pk}/leave/")
    sign_on(Client(), provider, "bob")
    assert SocialAccount.objects.get().uid == "id-of-bob"


def test_who_is_switched_off_is_told(provider: Provider) -> None:
    inside = Client()
    sign_on(inside, provider)
    User.objects.update(is_active=False)
    assert inside.get("/queues/").status_code == 302  # at once
    browser = Client()
    sign_on(browser, provider)
    assert "Your account is switched off." in said(browser)


@pytest.mark.parametrize("name", ["e v e", "e" * 151, "a/b", "eve\u202e"])
def test_a_name_that_no_account_can_have_is_refused(provider: Provider, name: str) -> None:
    provider.people["eve"]["preferred_username"] = name
    browser = Client()
    sign_on(browser, provider)
    assert "cannot be that of an account" in said(browser)
    assert not User.objects.exists()


def test_another_claim_names_who_has_no_name(provider: Provider, settings: Any) -> None:
    settings.MQADMIN_OIDC_NAME_CLAIM = "upn"
    provider.people["eve"] = {"email": "eve@example.com"}
    sign_on(Client(), provider)
    provider.people["bob"] = {"upn": "bob@corp", "email": "bob@example.com"}
    sign_on(Client(), provider, "bob")
    assert set(User.objects.values_list("username", flat=True)) == {"eve@example.com", "bob@corp"}


def test_nothing_secret_is_stored_or_told(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    browser = Client()
    sign_on(browser, provider)
    page = browser.get("/account/password/").text
    stored = json.dumps([session.get_decoded() for session in Session.objects.all()])
    stored += json.dumps(list(AuditEntry.objects.values_list("detail", flat=True)))
    stored += json.dumps(list(SocialAccount.objects.values_list("extra_data", flat=True)))
    assert len(provider.tokens_given) == 2
    for secret in (openid.SECRET, *provider.tokens_given):
        assert secret not in stored + page + caplog.text
    assert not SocialToken.objects.exists()
    assert not SocialApp.objects.exists()


def test_signing_out_goes_on_at_the_provider(provider: Provider) -> None:
    browser = Client()
    sign_on(browser, provider)
    response = browser.post("/logout/")
    assert 'http-equiv="refresh"' in response.text
    assert f"{provider.address}/logout?client_id=mqadmin&amp;post_logout_redirect_uri=" in response.text
    assert "http%3A%2F%2Ftestserver%2Flogin%2F" in response.text
    assert browser.get("/queues/").status_code == 302
    provider.discovery["end_session_endpoint"] = None
    conversation.forget()
    sign_on(browser, provider)
    assert browser.post("/logout/")["Location"] == "/login/"


def test_a_session_ends_in_its_time_and_with_the_setting(provider: Provider, settings: Any) -> None:
    browser = Client()
    sign_on(browser, provider)
    session = browser.session
    assert 0 < session.get_expiry_age() <= 12 * 3600
    session["signed_on_at"] = session["signed_on_at"] | {"until": 1.0}
    session.save()
    assert browser.get("/queues/").status_code == 302
    sign_on(browser, provider)
    assert browser.get("/queues/").status_code == 200
    settings.MQADMIN_OIDC_ISSUER = "https://another.example.com"
    assert browser.get("/queues/").status_code == 302


def test_without_passwords_the_provider_still_opens(provider: Provider, settings: Any) -> None:
    settings.MQADMIN_LOCAL_ACCOUNTS = False
    browser = Client()
    assert "The account for emergencies" in said(browser)
    sign_on(browser, provider)
    assert browser.get("/queues/").status_code == 200
    make_user("admin")
    emergency = Client()
    assert emergency.post("/login/", {"username": "admin", "password": PASSWORD}).status_code == 302
    assert emergency.get("/queues/").status_code == 200
    assert "mqadmin.W002" not in {item.id for item in run_checks()}


def test_a_way_that_was_begun_does_not_shorten_a_session_by_password(provider: Provider) -> None:
    make_user("viewer")
    browser = Client()
    begin(browser)
    browser.post("/login/", {"username": "viewer", "password": PASSWORD})
    assert browser.session.get_expiry_age() > 24 * 3600


@pytest.mark.parametrize(
    "to", ["https://evil.example", "//evil.example", "javascript:alert(1)", "/\\evil.example"]
)
def test_only_addresses_of_ours_are_gone_on_to(provider: Provider, to: str) -> None:
    assert sign_on(Client(), provider, to=to)["Location"] == "/"


def test_where_nobody_signs_on_there_is_no_way() -> None:
    for path in ("/login/with/", "/login/with/back/?code=x&state=y"):
        assert Client().get(path)["Location"] == "/login/"
    assert "Sign on with" not in said(Client())


def test_settings_are_read_or_refused() -> None:
    assert (
        given.issuer("X", {"X": "https://id.example.com/realms/acme"}) == "https://id.example.com/realms/acme"
    )
    for text in ("id.example.com", "https://", "https://a/?b=c", "https://u:p@a", "https://a/#b"):
        with pytest.raises(given.Unusable):
            given.issuer("X", {"X": text})
    assert given.scopes("X", "openid email", {"X": "groups profile"}) == ["openid", "groups", "profile"]
    assert given.scopes("X", "openid email", {}) == ["openid", "email"]


def test_settings_that_let_nobody_in_are_told(settings: Any) -> None:
    settings.MQADMIN_OIDC_ISSUER = "http://id.example.com"
    settings.MQADMIN_OIDC_CLIENT_ID = ""
    settings.MQADMIN_OIDC_ROLES = {}
    assert {"mqadmin.E004", "mqadmin.W003", "mqadmin.W004"} <= {item.id for item in run_checks()}
    settings.MQADMIN_OIDC_ISSUER = "https://id.example.com"
    settings.MQADMIN_OIDC_CLIENT_ID = "mqadmin"
    settings.MQADMIN_OIDC_ROLES = {"*": "viewer"}
    assert not {"mqadmin.E004", "mqadmin.W003", "mqadmin.W004"} & {item.id for item in run_checks()}


def test_it_works_below_a_path_behind_a_proxy_that_speaks_tls(
    under: str,  # noqa: F811
    provider: Provider,
    settings: Any,
) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.0/8"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    browser = Client(REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-Proto": "https", "Host": "testserver"})
    page = browser.get("/login/", {"next": "/tools/mq/queues/"}).text
    assert 'href="/tools/mq/login/with/?next=/tools/mq/queues/"' in page
    for to, there in (("/tools/mq/queues/", "/tools/mq/queues/"), ("/grafana/", "/tools/mq/")):
        location = browser.get("/login/with/", {"next": to})["Location"]
        asked = parse_qs(urlsplit(location).query)
        assert asked["redirect_uri"] == ["https://testserver/tools/mq/login/with/back/"]
        back = provider.approve(location, "eve").removeprefix("/tools/mq")
        assert browser.get(back)["Location"] == there
        left = browser.post("/logout/").text
        assert "https%3A%2F%2Ftestserver%2Ftools%2Fmq%2Flogin%2F" in left
