"""Secrets in definitions: masked before anything is kept or shown, and filled in again from the live broker.

A masked secret carries a fingerprint, keyed with this installation's SECRET_KEY, so that a change is seen without
the secret being known: `•••(3fa9c2d1b0aa)`. What leaves the installation carries none: `•••` stands for any secret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot

SHOWN = "•••"
_PRINTED = re.compile(rf"{SHOWN}\([0-9a-f]{{12}}\)")
# Texts can be of any length: nothing here may go through one again from each of its letters.
_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_ASKED = re.compile(r"(?P<name>[?&][^=&#\s]{1,400}=)(?P<value>[^&#\s]+)")
_ASKED_NAMES = re.compile(r"passw|pwd|secret|token|credential", re.I)
_NAMES = re.compile(r"passw|pwd|secret|token|credential|(?:api|access|private|shared|signing)[-_.]?key", re.I)
_OF_USERS = ("password_hash", "password")
_HOLDING = ("value", "definition", "arguments")

Mask = Callable[[str], str]


def masking(key: bytes) -> Mask:
    """Return the function that stands a mask for a secret; "" stays, it is none."""

    def mask(secret: str) -> str:
        if not secret or _PRINTED.fullmatch(secret) or secret == SHOWN:
            return secret
        digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=key, digest_size=6)
        return f"{SHOWN}({digest.hexdigest()})"

    return mask


def masked(objects: Snapshot, mask: Mask) -> Snapshot:
    """Return the objects with each secret masked."""
    return {key: masked_body(key.kind, body, mask) for key, body in objects.items()}


def masked_body(kind: str, body: Body, mask: Mask) -> Body:
    """Return one object so: passwords of users, in addresses, and under names that say what they are."""
    if kind == kinds.USER:
        return {name: _whole(value, mask) if name in _OF_USERS else value for name, value in body.items()}
    if kind in (kinds.BINDING, kinds.PERMISSION, kinds.TOPIC_PERMISSION, kinds.VHOST):
        return body  # names and patterns alone
    called = {
        "value": str(body.get("name", ""))
    }  # a parameter may be nothing but a text, and is called what it is
    return {
        name: _value(called.get(name, name), value, mask) if name in _HOLDING else value
        for name, value in body.items()
    }


def without_prints(body: Body) -> Body:
    """Return an object as it may leave: masks without fingerprints, users without what stood for their password."""
    found = _replaced(body, lambda text: _PRINTED.sub(SHOWN, text))
    return {name: value for name, value in found.items() if not (name in _OF_USERS and value == SHOWN)}


def is_masked(value: Any) -> bool:
    """Whether something in it is masked."""
    if isinstance(value, Mapping):
        return any(is_masked(item) for item in value.values())
    if isinstance(value, list):
        return any(is_masked(item) for item in value)
    return isinstance(value, str) and SHOWN in value


def agree(one: Body, other: Body) -> bool:
    """Whether two objects are the same where one of them does not tell its secrets: then any will do."""
    if one == other:
        return True
    if not (_is_blind(one) or _is_blind(other)):
        return False
    return without_prints(_unsaid(one, other)) == without_prints(_unsaid(other, one))


def _is_blind(body: Body) -> bool:
    """Whether it has masks without fingerprints, or is a user of whom no password is told."""
    bare = _replaced(body, lambda text: _PRINTED.sub("", text))
    return is_masked(bare) or ("tags" in body and "password_hash" not in body)


def _unsaid(body: Body, other: Body) -> Body:
    if "tags" not in body or ("password_hash" in body and "password_hash" in other):
        return body
    return {name: value for name, value in body.items() if name not in (*_OF_USERS, "hashing_algorithm")}


class Unknown(Exception):
    """A secret that is kept nowhere: only the broker had it, and it is gone there or another now."""


def filled(key: Key, wanted: Body, live: Body | None, mask: Mask) -> Body:
    """Return `wanted` with its secrets as they are in `live`, the broker's own object. Raises Unknown.

    A user who is there keeps the password that holds now; one who is not comes without any.
    """
    if key.kind == kinds.USER:
        return _user(wanted, live)
    if not is_masked({name: wanted[name] for name in _HOLDING if name in wanted}):
        return wanted
    found: Body = _filled(wanted, live, mask)
    return found


def brings_password(user: Body) -> bool:
    """Whether a user is told with a password, as a file may; a version that is kept has none."""
    return any(user.get(name) and not is_masked(user[name]) for name in _OF_USERS)


def _user(wanted: Body, live: Body | None) -> Body:
    if brings_password(wanted):
        return wanted
    there = live or {}
    kept: Body = {name: there[name] for name in ("password_hash", "hashing_algorithm") if name in there}
    rest = {name: value for name, value in wanted.items() if name not in _OF_USERS}
    return {**rest, "password_hash": "", **kept}


def _filled(wanted: Any, live: Any, mask: Mask) -> Any:
    if isinstance(wanted, Mapping):
        there = live if isinstance(live, Mapping) else {}
        return {name: _filled(value, there.get(name), mask) for name, value in wanted.items()}
    if isinstance(wanted, list):
        items = live if isinstance(live, list) else []
        return [
            _filled(value, items[at] if at < len(items) else None, mask) for at, value in enumerate(wanted)
        ]
    if not is_masked(wanted):
        return wanted
    if isinstance(live, str):
        told = {_text(live, mask), mask(live)}
        if wanted in told or wanted in {_PRINTED.sub(SHOWN, text) for text in told}:
            return live
    raise Unknown


def _value(name: str, value: Any, mask: Mask) -> Any:
    if isinstance(value, Mapping):
        return {key: _value(str(key), item, mask) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(name, item, mask) for item in value]
    if not isinstance(value, str):
        return value
    return mask(value) if _NAMES.search(name) else _text(value, mask)


def _text(text: str, mask: Mask) -> str:
    """Mask what stands between the colon and the last @ of an address, and secrets in its query."""
    if "://" not in text:
        return text
    text = _WORD.sub(lambda found: _address(found[0], mask), text)
    return _ASKED.sub(
        lambda found: (
            f"{found['name']}{mask(found['value'])}" if _ASKED_NAMES.search(found["name"]) else found[0]
        ),
        text,
    )


def _address(word: str, mask: Mask) -> str:
    before, at, rest = word.rpartition("@")
    scheme = _SCHEME.search(before)
    if scheme is None:
        return word
    return f"{before[: scheme.end()]}{_login(before[scheme.end() :], mask)}{at}{rest}"


def _login(login: str, mask: Mask) -> str:
    user, colon, password = login.partition(":")
    return f"{user}{colon}{mask(password)}"


def _whole(value: Any, mask: Mask) -> Any:
    return mask(value) if isinstance(value, str) else value


def _replaced(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _replaced(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, change) for item in value]
    return change(value) if isinstance(value, str) and SHOWN in value else value
