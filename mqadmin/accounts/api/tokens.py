"""The API's calls for one's own tokens, and for who one is. An admin may list and revoke those of others."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.accounts.acts import tokens
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.api.description import SECRET
from mqadmin.core.api.paging import paginate
from mqadmin.core.api.plumbing import ASKED_WITH, CONFIGURE, VIEW, Body, PageQuery, one
from mqadmin.core.models import ApiToken
from mqadmin.core.rights.rules import LEVELS, Rule

router = Router(tags=["accounts"], auth=VIEW.of("rows"))

Level = Literal["view", "operate", "configure"]


class MyGrantOut(Schema):
    """Up to which level one may with what. `reveals`: also what masks hide."""

    broker: str
    vhost: str
    queue: str
    level: Level
    reveals: bool


class MeOut(Schema):
    """Whose token this is. `may`: what this token may with everything; `rules`: what with which part, a list for
    the account and one for the token, of which both must allow; `expires_at`: null for one without an end."""

    id: int
    name: str
    role: str
    may: list[Level]
    rules: list[list[MyGrantOut]]
    token: str
    expires_at: datetime | None


class TokenIn(Body):
    """A new token. `level`: the most that it may, with what `broker`, `vhost` and `queue` name, `*` for any signs;
    `days`: how long it opens, null for as long as it is used."""

    name: str = Field(max_length=100)
    level: Level = "view"
    days: int | None = 90
    broker: str = Field("*", max_length=60)
    vhost: str = Field("*", max_length=255)
    queue: str = Field("*", max_length=255)


class TokenOut(Schema):
    """A token, without itself: `hint` is its last four characters."""

    id: int
    account: str
    name: str
    hint: str
    level: Level
    broker: str
    vhost: str
    queue: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str

    @staticmethod
    def resolve_account(token: ApiToken) -> str:
        return token.user.get_username()


class NewTokenOut(TokenOut):
    """The same, and the token itself, this once."""

    token: str


class TokenList(Schema):
    items: list[TokenOut]
    total: int
    next: str | None


class TokenQuery(PageQuery):
    """Which tokens. `account`: the id of another account, or 0 for all, for admins."""

    account: int | None = None


@router.get("/me", response=MeOut)
def me(request: HttpRequest) -> dict[str, Any]:
    """Say whose token this is, and what it may."""
    token: ApiToken = getattr(request, ASKED_WITH)
    user = request.user
    return {
        "id": user.pk,
        "name": user.get_username(),
        "role": permissions.role(user),
        "may": [needed for needed in permissions.ROLES["admin"] if permissions.may(user, needed)],
        "rules": [[_rule(rule) for rule in layer] for layer in permissions.rights(user).layers],
        "token": token.name,
        "expires_at": token.expires_at,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    level = next(name for name, level in LEVELS.items() if level == rule.level)
    return {
        "broker": rule.broker,
        "vhost": rule.vhost,
        "queue": rule.queue,
        "level": level,
        "reveals": rule.reveals,
    }


@router.get("/tokens", response=TokenList)
def token_list(request: HttpRequest, wanted: Query[TokenQuery]) -> dict[str, Any]:
    """List one's own tokens, the newest first; for an admin those of another account, or all."""
    rows = ApiToken.objects.select_related("user")
    account = request.user.pk if wanted.account is None else wanted.account
    if account != request.user.pk:
        permissions.check(request.user, "configure")
    rows = rows.filter(user_id=account) if account else rows
    return dict(paginate(rows, limit=wanted.limit, cursor=wanted.cursor))


@router.post("/tokens", response={201: NewTokenOut}, auth=CONFIGURE, openapi_extra=SECRET)
def token_create(request: HttpRequest, wanted: TokenIn) -> Status[ApiToken]:
    """Make a token of one's own, with a token that may configure: what a lesser one made would outlive its
    revocation. It lives no longer than that one. 422 without a name."""
    user = request.user
    assert isinstance(user, User)
    within: ApiToken = getattr(request, ASKED_WITH)
    made, token = tokens.create(by=audit.actor(request), user=user, within=within, **wanted.dict())
    made.token = token  # type: ignore[attr-defined]  # goes out in the answer, and is stored nowhere
    return Status(201, made)


@router.delete("/tokens/{int:token_id}", response={204: None})
def token_revoke(request: HttpRequest, token_id: int) -> Status[None]:
    """Take a token back: any with one that may configure, else the one that asks."""
    rows = ApiToken.objects.select_related("user").filter(pk=token_id)
    if not permissions.may(request.user, "configure"):
        own: ApiToken = getattr(request, ASKED_WITH)
        rows = rows.filter(pk=own.pk)
    token = one(rows, _("There is no token %(id)s.") % {"id": token_id})
    tokens.revoke(by=audit.actor(request), token=token)
    return Status(204, None)
