"""API tokens: rights narrower than those of their user, an end, a last use; made and revoked by whom it is due."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.core.access import refused_tokens
from mqadmin.core.api import tokens
from mqadmin.core.models import ApiToken, AuditEntry
from tests.core.conftest import SignIn, make_user, sign_in  # noqa: F401
from tests.support.pages import html

pytestmark = pytest.mark.usefixtures("no_broker")


def bearer(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


def make(role: str, **given: object) -> tuple[ApiToken, str]:
    return tokens.make(user=make_user(role), **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("role", "level", "may"),
    [
        ("admin", "configure", ["view", "operate", "configure"]),
        ("root", "operate", ["view", "operate"]),
        ("admin", "view", ["view"]),
        ("viewer", "configure", ["view"]),
        ("", "configure", None),
    ],
)
def test_a_token_may_what_both_it_and_its_user_may(
    db: None, role: str, level: str, may: list[str] | None
) -> None:
    client = bearer(make(role, level=level)[1])
    response = client.get("/api/v1/me")
    if may is None:
        assert response.status_code == 403
        return
    assert response.json()["may"] == may
    calls = {"operate": ("/api/v1/marks", {"title": "x"}), "configure": ("/api/v1/accounts", {"name": "eve"})}
    for needed, (path, body) in calls.items():
        answer = client.post(path, body, content_type="application/json")
        assert (answer.status_code == 403) is (needed not in may), path
    if role == "admin" and level == "view":
        assert answer.json()["detail"].endswith("This token may no more than look.")


def test_a_token_with_an_end_opens_nothing_behind_it(db: None) -> None:
    refused_tokens._places.clear()
    row, token = make("viewer", expires_at=timezone.now() + timedelta(hours=1))
    assert bearer(token).get("/api/v1/queues").status_code == 200
    assert bearer(token).get("/metrics").status_code == 200
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    assert bearer(token).get("/api/v1/queues").status_code == 401
    assert bearer(token).get("/metrics").status_code == 401
    entry = AuditEntry.objects.get(action="token.use")
    assert (entry.target, entry.reason) == ("viewer", "the token has expired")


def test_from_where_it_was_used_last_is_kept(db: None) -> None:
    row, token = make("viewer")
    Client(headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="203.0.113.9").get("/api/v1/me")
    row.refresh_from_db()
    assert row.last_used_from == "203.0.113.9"
    assert row.last_used_at is not None


def test_one_makes_a_token_on_the_page_and_takes_it_back(sign_in: SignIn) -> None:  # noqa: F811
    operator = sign_in("operator")
    response = operator.post("/account/tokens/", {"name": "nightly", "level": "operate", "days": "30"})
    found = re.search(r'id="once">(mqa_[^<]+)<', html(response))
    assert found
    token = found.group(1)
    assert bearer(token).get("/api/v1/me").json()["may"] == ["view", "operate"]
    row = ApiToken.objects.get(name="nightly")
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - timezone.now() <= timedelta(days=30)
    again = html(operator.get("/account/tokens/"))
    assert "nightly" in again
    assert token not in again
    assert token not in str(AuditEntry.objects.get(action="token.create").detail)
    operator.post(reverse("token_revoke", args=[row.pk]))
    assert bearer(token).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " ", "level": "view", "days": "30"}, "name"),
        ({"name": "x", "level": "configure", "days": "30"}, "level"),
        ({"name": "x", "level": "view", "days": "31"}, "days"),
    ],
)
def test_what_makes_no_token_is_said_beside_its_field(
    sign_in: SignIn,  # noqa: F811
    given: dict[str, str],
    field: str,
) -> None:
    response = sign_in("operator").post("/account/tokens/", given)
    assert response.status_code == 422
    assert set(response.context["form"].errors) == {field}
    assert not ApiToken.objects.exists()


def test_nobody_revokes_those_of_others_but_an_admin(sign_in: SignIn) -> None:  # noqa: F811
    row, token = make("viewer")
    assert sign_in("operator").post(reverse("token_revoke", args=[row.pk])).status_code == 404
    assert bearer(make("operator")[1]).delete(f"/api/v1/tokens/{row.pk}").status_code == 404
    assert bearer(token).get("/api/v1/me").status_code == 200
    own = reverse("account_token_revoke", args=[row.user_id, row.pk])
    assert sign_in("admin").post(own)["Location"] == reverse("account_detail", args=[row.user_id])
    assert bearer(token).get("/api/v1/me").status_code == 401


def test_the_api_makes_tokens_that_live_no_longer_than_what_made_them(db: None) -> None:
    end = timezone.now() + timedelta(days=2)
    row, token = make("admin", expires_at=end)
    client = bearer(token)
    made = client.post("/api/v1/tokens", {"name": "child", "days": None}, content_type="application/json")
    assert made.status_code == 201
    assert made.json()["level"] == "view"
    assert ApiToken.objects.get(pk=made.json()["id"]).expires_at == end
    assert bearer(made.json()["token"]).get("/api/v1/me").json()["may"] == ["view"]
    listed = client.get("/api/v1/tokens").json()["items"]
    assert [item["id"] for item in listed] == [made.json()["id"], row.pk]
    assert "token" not in listed[0]
    wrong = client.post("/api/v1/tokens", {"name": "", "days": 0}, content_type="application/json").json()
    assert set(wrong["fields"]) == {"name", "days"}


def test_a_lesser_token_makes_none_and_revokes_itself_alone(db: None) -> None:
    row, token = make("admin", level="view")
    other, _token = make("admin")
    client = bearer(token)
    body = {"name": "child"}
    assert client.post("/api/v1/tokens", body, content_type="application/json").status_code == 403
    assert client.delete(f"/api/v1/tokens/{other.pk}").status_code == 404
    assert client.get(f"/api/v1/tokens?account={make_user('viewer').pk}").status_code == 403
    assert client.delete(f"/api/v1/tokens/{row.pk}").status_code == 204
    assert client.get("/api/v1/me").status_code == 401
