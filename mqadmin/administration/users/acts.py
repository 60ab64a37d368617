"""Users are made, changed and deleted. A password is known here for the length of a call, and written nowhere."""

from __future__ import annotations

import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.translation import gettext as _

from mqadmin.administration.acting.changing import blame, change, require_name
from mqadmin.administration.listing.kinds import Name
from mqadmin.administration.permissions import own
from mqadmin.administration.vhosts.acts import require_tags
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.rabbit.administration import permissions, users
from mqadmin.rabbit.administration.users import ALGORITHMS, Login

CREATE, TAGS, PASSWORD, DELETE = (
    "broker_user.create",
    "broker_user.tags",
    "broker_user.login",
    "broker_user.delete",
)
Way = Literal["password", "hash", "generate", "none"]
GENERATED = 32  # letters and digits: 190 bits
_SIGNS = string.ascii_letters + string.digits
_KINDS: list[Name] = ["users", "permissions", "topic_permissions", "limits"]


@dataclass(frozen=True)
class NewLogin:
    """How a user is to sign in. `way`: with `password`, with that of which `password_hash` is the hash (base64 of
    salt and digest, by `algorithm`), with one made here, or "none": by certificate or not at all."""

    way: Way
    password: str = field(default="", repr=False)
    password_hash: str = field(default="", repr=False)
    algorithm: str = ALGORITHMS[0]


def create(*, broker: str, by: Actor, name: str, tags: Sequence[str] = (), login: NewLogin) -> str:
    """Make a user who is not there yet, and return the password that was made for `generate`, else "".

    Raises Refusal (422 with the field to blame, 409 `exists` or in the broker's words), RabbitError.
    """
    require_name("name", name)
    given, made = _login(login)
    wanted = require_tags(tags)
    detail = {"tags": wanted, "signs_in": login.way}
    with change(by=by, action=CREATE, broker=broker, target=name, kinds=_KINDS, detail=detail) as act:
        if any(item.name == name for item in users.listed(act.client)):
            text = _("There is a user of that name already.")
            raise Refusal(text, "exists", fields={"name": text})
        users.put(act.client, name, tags=wanted, login=given)
    return made


def set_tags(*, broker: str, by: Actor, name: str, tags: Sequence[str]) -> None:
    """Give a user these tags and no others. Raises Refusal (422, 404, 409 `own_account`), RabbitError."""
    wanted = require_tags(tags)
    with change(
        by=by, action=TAGS, broker=broker, target=name, kinds=["users"], detail={"tags": wanted}
    ) as act:
        own.require_other(broker, name)
        act.was(tags=users.one(act.client, name).tags)
        users.put_tags(act.client, name, wanted)


def set_login(*, broker: str, by: Actor, name: str, login: NewLogin) -> str:
    """Change how a user signs in, and return the password that was made for `generate`, else "".

    Raises as `set_tags`. Connections that are open stay.
    """
    given, made = _login(login)
    detail = {"signs_in": login.way}
    with change(by=by, action=PASSWORD, broker=broker, target=name, kinds=["users"], detail=detail) as act:
        own.require_other(broker, name)
        found = users.one(act.client, name)
        act.was(signs_in="password" if found.has_password else "none")
        users.put(act.client, name, tags=found.tags, login=given)
    return made


def delete(*, broker: str, by: Actor, name: str) -> None:
    """Delete a user with all rights. Raises Refusal (404, 409 `own_account`), RabbitError."""
    with change(by=by, action=DELETE, broker=broker, target=name, kinds=_KINDS) as act:
        own.require_other(broker, name)
        found = users.one(act.client, name)
        rights = [item for item in permissions.listed(act.client) if item.user == name]
        act.was(
            tags=found.tags,
            limits=found.limits,
            permissions=[
                {"vhost": item.vhost, "configure": item.configure, "write": item.write, "read": item.read}
                for item in rights[:100]
            ],
        )
        users.delete(act.client, name)


def _login(login: NewLogin) -> tuple[Login, str]:
    """Return what is sent to the broker, and the password if it was made here. Raises Refusal (422)."""
    if login.way == "generate":
        made = "".join(secrets.choice(_SIGNS) for _sign in range(GENERATED))
        return Login(password=made), made
    if login.way == "password":
        if not login.password:
            raise blame("password", _("A password is needed."))
        return Login(password=_text(login.password)), ""
    if login.way == "hash":
        if login.algorithm not in ALGORITHMS:
            raise blame(
                "algorithm", _("RabbitMQ hashes with one of: %(known)s.") % {"known": ", ".join(ALGORITHMS)}
            )
        if not users.is_hash(login.password_hash, login.algorithm):
            text = _("That is no hash of this kind: base64 of four bytes of salt and the digest.")
            raise blame("password_hash", text)
        return Login(password_hash=login.password_hash, algorithm=login.algorithm), ""
    return Login(), ""


def _text(password: str) -> str:
    try:
        password.encode()
    except UnicodeEncodeError:
        raise blame("password", _("That is not valid text.")) from None
    return password
