"""The API's calls for users. A password is taken, or given once; it is never read again, logged or stored."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from pydantic import SecretStr

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.permissions import own
from mqadmin.administration.users import acts
from mqadmin.administration.users.acts import NewLogin, Way
from mqadmin.administration.users.lists import USERS
from mqadmin.core.acts import audit
from mqadmin.core.api.description import SECRET
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Asked, Body, a_broker
from mqadmin.rabbit.administration.users import ALGORITHMS

router = Router(tags=["virtual hosts, users and rights"], auth=VIEW.of("broker"))


class UserOut(Schema):
    """One user; never what the password is, nor its hash. `is_own`: mqadmin signs in as this user."""

    name: str
    tags: list[str]
    has_password: bool
    algorithm: str
    limits: dict[str, int]
    vhosts: list[str]
    is_own: bool


class UserList(Listed):
    items: list[UserOut]


class LoginIn(Body):
    """How a user signs in. `way`: `password`, `hash` (`password_hash` by `algorithm`), `generate` (the answer has
    the password, this once), `none`."""

    broker: str = ""
    name: str
    way: Way = "none"
    password: SecretStr = SecretStr("")
    password_hash: SecretStr = SecretStr("")
    algorithm: str = ALGORITHMS[0]


class UserIn(LoginIn):
    """A user to make."""

    tags: list[str] = []


class TagsIn(Body):
    """The tags that a user is to have, and no others."""

    broker: str = ""
    name: str
    tags: list[str]


class Made(Schema):
    """The password that was made for `generate`, else ""."""

    password: str


class UserNamed(Asked):
    """Which user."""

    broker: str = ""
    name: str


@router.get("/users", response=UserList)
def user_list(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List users, as they were at `taken_at`: `q` as `tag:administrator is:without_vhost`."""
    mine = own.names(a_broker(wanted.broker))
    return page(USERS, wanted, lambda item: {**asdict(item), "is_own": item.name in mine})


@router.post("/users", response={201: Made}, auth=CONFIGURE.of("broker"), openapi_extra=SECRET)
def user_create(request: HttpRequest, wanted: UserIn) -> Status[dict[str, str]]:
    """Make a user; 409 `exists` where there is one of that name."""
    made = acts.create(
        broker=a_broker(wanted.broker),
        by=audit.actor(request),
        name=wanted.name,
        tags=wanted.tags,
        login=_login(wanted),
    )
    return Status(201, {"password": made})


@router.put("/users/tags", response={204: None}, auth=CONFIGURE.of("broker"))
def user_tags(request: HttpRequest, wanted: TagsIn) -> Status[None]:
    """Give a user these tags and no others; 409 `own_account` for mqadmin's own."""
    acts.set_tags(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name, tags=wanted.tags)
    return Status(204, None)


@router.put("/users/login", response=Made, auth=CONFIGURE.of("broker"), openapi_extra=SECRET)
def user_login(request: HttpRequest, wanted: LoginIn) -> dict[str, str]:
    """Change how a user signs in; 409 `own_account` for mqadmin's own."""
    made = acts.set_login(
        broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name, login=_login(wanted)
    )
    return {"password": made}


@router.delete("/users", response={204: None}, auth=CONFIGURE.of("broker"))
def user_delete(request: HttpRequest, wanted: Query[UserNamed]) -> Status[None]:
    """Delete a user with all rights; its connections are closed. 409 `own_account` for mqadmin's own."""
    acts.delete(broker=a_broker(wanted.broker), by=audit.actor(request), name=wanted.name)
    return Status(204, None)


def _login(wanted: LoginIn) -> NewLogin:
    return NewLogin(
        wanted.way,
        wanted.password.get_secret_value(),
        wanted.password_hash.get_secret_value(),
        wanted.algorithm,
    )
