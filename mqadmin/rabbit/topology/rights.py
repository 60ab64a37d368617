"""What permissions mean: whether one lets a user at a name, and what its expression is in plain terms. Pure.

As rabbit_auth_backend_internal has it: an expression is looked for anywhere in the name, and "" stands for `^$`.
The default exchange is checked by the name `amq.default` (rabbit_access_control:check_resource_access/4). In those
of topics `{username}` and `{vhost}` are replaced as they are, without escapes; where a user has no topic permission
on an exchange, every routing key is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from mqadmin.rabbit.topology.patterns import matches

Right = Literal["configure", "write", "read"]
RIGHTS: tuple[Right, ...] = ("configure", "write", "read")
DEFAULT_EXCHANGE = "amq.default"
NOTHING, EVERYTHING = "", ".*"

_LITERAL = r"(?:[A-Za-z0-9 _:/@%,~!&=\-]|\\[^A-Za-z0-9])+"
_EVERYTHING = {".*", "^.*", ".*$", "^.*$", "^", ".*.*"}
_BEGINS = re.compile(rf"\^({_LITERAL})(?:\.\*\$?)?")
_ENDS = re.compile(rf"(?:\^?\.\*)?({_LITERAL})\$")
_EXACTLY = re.compile(rf"\^(?:({_LITERAL})|\(({_LITERAL}(?:\|{_LITERAL})*)\))\$")
_HAS = re.compile(rf"(?:\.\*)?({_LITERAL})(?:\.\*)?")
_BEGINS_WITH_ONE = re.compile(rf"\^\(({_LITERAL}(?:\|{_LITERAL})*)\)(?:\.\*\$?)?")
_VARIABLE = re.compile(r"\{[A-Za-z_]+\}")

Kind = Literal["nothing", "everything", "exactly", "begins", "ends", "has", "matches"]


class Granted(Protocol):
    """A permission: `rabbit.administration.permissions.Permission`."""

    @property
    def user(self) -> str: ...
    @property
    def configure(self) -> str: ...
    @property
    def write(self) -> str: ...
    @property
    def read(self) -> str: ...


@dataclass(frozen=True)
class Reach:
    """Which names an expression allows: all that `kind` says with one of `parts`. "matches": the expression is no
    simpler thing, and stands in `parts` as it is. A name with an end of line is not thought of here."""

    kind: Kind
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Who:
    """Users by whether a right lets them at a name: `unsure` are those of whom it cannot be told."""

    may: tuple[str, ...]
    unsure: tuple[str, ...]


def allows(expression: str, name: str) -> bool | None:
    """Tell whether a right lets at a name; None: it cannot be told (see `patterns`). Any thread may call."""
    return matches(expression or "^$", name)


def reach(expression: str) -> Reach:
    """Return what an expression allows, in plain terms where there are such."""
    if expression in ("", "^$"):
        return Reach("nothing")
    if expression in _EVERYTHING:
        return Reach("everything")
    for kind, pattern in _SHAPES:
        if found := pattern.fullmatch(expression):
            text = next(group for group in found.groups() if group is not None)
            return Reach(kind, tuple(_plain(part) for part in _split(text)))
    return Reach("matches", (expression,))


def expanded(expression: str, *, user: str, vhost: str) -> str:
    """Return a right on topics with the variables replaced that every client has."""
    return expression.replace("{username}", user).replace("{vhost}", vhost)


def allows_topic(expression: str, key: str, *, user: str, vhost: str) -> bool | None:
    """Tell the same of a routing key; None also where a variable is left that depends on the client."""
    whole = expanded(expression, user=user, vhost=vhost)
    return None if _VARIABLE.search(whole) else allows(whole, key)


def who(permissions: Iterable[Granted], right: Right, name: str) -> Who:
    """Return who of a virtual host's users may use a queue or an exchange; "" is the default exchange."""
    may, unsure = [], []
    for item in permissions:
        told = allows(getattr(item, right), name or DEFAULT_EXCHANGE)
        if told is None:
            unsure.append(item.user)
        elif told:
            may.append(item.user)
    return Who(tuple(sorted(may)), tuple(sorted(unsure)))


_SHAPES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("exactly", _EXACTLY),
    ("begins", _BEGINS),
    ("begins", _BEGINS_WITH_ONE),
    ("ends", _ENDS),
    ("has", _HAS),
)


def _split(text: str) -> list[str]:
    return re.split(r"(?<!\\)\|", text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
