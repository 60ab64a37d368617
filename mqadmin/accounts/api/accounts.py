"""The API's calls for accounts: for admins. A password goes out once, in the answer to what made it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Query, Router, Schema, Status
from pydantic import Field

from mqadmin.accounts.acts import accounts, roles
from mqadmin.accounts.pages import shown
from mqadmin.core.acts import audit
from mqadmin.core.api.description import SECRET
from mqadmin.core.api.paging import paginate
from mqadmin.core.api.plumbing import CONFIGURE, Body, PageQuery, one

router = Router(tags=["accounts"], auth=CONFIGURE)

Role = Literal["", "viewer", "operator", "admin"]


class AccountIn(Body):
    """A new account. Without a password a random one is made, and is in the answer. `role`: "" is none for
    everything; roles for a part are given afterwards."""

    name: str = Field(max_length=150)
    role: Role = "viewer"
    password: str = Field("", max_length=500)


class AccountPatch(Body):
    """What is to change: what is left out stays."""

    role: Role | None = None
    roles: list[str] | None = None  # for a part, by name, in place of those that it has
    is_active: bool | None = None


class AccountOut(Schema):
    """An account. `role`: for everything, "" for none; `roles`: for a part. `tokens`: how many it has.
    `has_password`: else it signs on elsewhere."""

    id: int
    name: str
    role: str
    roles: list[str]
    is_active: bool
    has_password: bool
    last_sign_in: datetime | None
    created_at: datetime
    tokens: int


class NewAccountOut(AccountOut):
    """The same; `password`: the random one, "" where one was given."""

    password: str


class PasswordOut(Schema):
    """A random password."""

    password: str


class SessionsOut(Schema):
    """How many sessions were ended."""

    ended: int


class AccountList(Schema):
    items: list[AccountOut]
    total: int
    next: str | None


class AccountQuery(PageQuery):
    """Which accounts. `q`: what the name holds."""

    q: str = ""


@router.get("/accounts", response=AccountList)
def account_list(request: HttpRequest, wanted: Query[AccountQuery]) -> dict[str, Any]:
    """List the accounts of mqadmin itself, by name."""
    rows = User.objects.filter(username__icontains=wanted.q) if wanted.q else User.objects.all()
    page = paginate(rows, limit=wanted.limit, cursor=wanted.cursor, order=("username",))
    found = shown.accounts(User.objects.filter(pk__in=[user.pk for user in page["items"]]))
    return {**page, "items": [_shown(account) for account in found]}


@router.post("/accounts", response={201: NewAccountOut}, openapi_extra=SECRET)
def account_create(request: HttpRequest, wanted: AccountIn) -> Status[dict[str, Any]]:
    """Make an account; 422 for a name that is taken and a password that is too weak."""
    user, password = accounts.create(by=audit.actor(request), **wanted.dict())
    return Status(201, _one(user.pk) | {"password": "" if wanted.password else password})


@router.get("/accounts/{int:account_id}", response=AccountOut)
def account_detail(request: HttpRequest, account_id: int) -> dict[str, Any]:
    """Show one account."""
    return _one(_user(account_id).pk)


@router.patch("/accounts/{int:account_id}", response=AccountOut)
def account_change(request: HttpRequest, account_id: int, wanted: AccountPatch) -> dict[str, Any]:
    """Give an account another role, or other roles for a part, switch it on or off; 409 for one's own, and for the
    last admin."""
    user, by = _user(account_id), audit.actor(request)
    if wanted.role is not None:
        accounts.give_role(by=by, user=user, role=wanted.role)
    if wanted.roles is not None:
        roles.give(by=by, user=user, roles=wanted.roles)
    if wanted.is_active is not None:
        accounts.switch(by=by, user=user, is_on=wanted.is_active)
    return _one(user.pk)


@router.post("/accounts/{int:account_id}/password", response=PasswordOut, openapi_extra=SECRET)
def account_password(request: HttpRequest, account_id: int) -> dict[str, str]:
    """Give an account a random password; 409 for one's own. Sessions by the old one end."""
    return {"password": accounts.new_password(by=audit.actor(request), user=_user(account_id))}


@router.post("/accounts/{int:account_id}/sign-out", response=SessionsOut)
def account_sign_out(request: HttpRequest, account_id: int) -> dict[str, int]:
    """End all sessions of an account; its tokens stay."""
    return {"ended": accounts.sign_out(by=audit.actor(request), user=_user(account_id))}


@router.post("/accounts/{int:account_id}/leave-to-sign-on", response=AccountOut)
def account_leave(request: HttpRequest, account_id: int) -> dict[str, Any]:
    """Take an account's password away: who signs on at the proxy by its name has it; 409 where nobody does so."""
    user = _user(account_id)
    accounts.leave_to_sign_on(by=audit.actor(request), user=user)
    return _one(user.pk)


@router.post("/accounts/{int:account_id}/unlock", response=AccountOut)
def account_unlock(request: HttpRequest, account_id: int) -> dict[str, Any]:
    """Forget the wrong passwords that were tried for an account."""
    user = _user(account_id)
    accounts.unlock(by=audit.actor(request), user=user)
    return _one(user.pk)


def _user(pk: int) -> User:
    return one(User.objects.filter(pk=pk), _("There is no account %(id)s.") % {"id": pk})


def _one(pk: int) -> dict[str, Any]:
    return _shown(shown.accounts(User.objects.filter(pk=pk))[0])


def _shown(account: shown.Account) -> dict[str, Any]:
    user = account.user
    return {
        "id": user.pk,
        "name": account.name,
        "role": account.role,
        "roles": account.parts,
        "is_active": user.is_active,
        "has_password": user.has_usable_password(),
        "last_sign_in": user.last_login,
        "created_at": user.date_joined,
        "tokens": account.tokens,
    }
