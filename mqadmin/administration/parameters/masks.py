"""Secrets in what a broker is configured with: hidden before anything is kept, shown or written down. Pure.

What is one: `definitions.comparing.secret`. A value that is shown has `•••` in their places; one that comes back
with it gets them from the broker's own again (`kept`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.secret import SHOWN

_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<user>[^/?#:@]*):(?P<password>\S*)@(?P<host>[^/?#@]*)(?P<rest>.*)",
    re.DOTALL,
)
_ASKED = re.compile(r"(?P<name>[?&][^=&#\s]{1,400}=)(?P<value>[^&#\s]*)")
_TERM = re.compile(r"(amqp_params_\w+,\s*(?:<<[^>]*>>|\w+),\s*)<<[^>]*>>|(plaintext,\s*)<<[^>]*>>")
_CUT = re.compile(r"(://[^\s:@/]*:)[^\s@]*\Z")  # an address of which the broker's words end before the @
_SAID = re.compile(r"\AThe management API answered \d+ [^:]*: ")
_LONGEST = 600


class Unknown(Exception):
    """A secret that is to stay as it is, of which it is not known what it is: it belongs to something else now."""


def shown(name: str, value: Any) -> Any:
    """Return the value that is called `name` with its secrets hidden."""
    return secret.masked_body(kinds.PARAMETER, {"name": name, "value": value}, _mask)["value"]


def shown_text(text: str, value: Any = None) -> str:
    """Return a text of the broker's with what may be secret in it hidden, also the secrets of `value`."""
    for known in sorted(set(secrets("", value)), key=len, reverse=True):
        text = text.replace(known, SHOWN)
    text = _TERM.sub(lambda found: f"{found[1] or found[2]}<<{SHOWN}>>", text)
    return str(shown("", text))


def secrets(name: str, value: Any) -> Iterator[str]:
    """Yield the secrets of a value, as they are written and as they are meant."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from secrets(str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from secrets(name, item)
    elif isinstance(value, str) and value and shown(name, value) != value:
        found = [item for item in _of_uri(value) if item] or [value]
        yield from (form for item in found for form in {item, unquote(item)})


def told(text: str, value: Any) -> str:
    """Return why a broker does not take a value, in its words: it repeats the value, and what Erlang made of it."""
    text = html.unescape(_SAID.sub("", text)).replace("Validation failed", "").strip()
    text = _CUT.sub(lambda found: f"{found[1]}{SHOWN}", shown_text(text, value))
    lines = [line.partition(": {{")[0].rstrip() for line in text.splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith(("  ", "\t"))]
    return "\n".join(plain)[:_LONGEST]


def kept(name: str, wanted: Any, live: Any) -> Any:
    """Return `wanted` with each secret that it does not tell as it is in `live`.

    Of an address only where scheme, user and host are the same: else a password would go to whoever is named there
    now. Raises Unknown.
    """
    if isinstance(wanted, Mapping):
        there = live if isinstance(live, Mapping) else {}
        return {key: kept(str(key), item, there.get(key)) for key, item in wanted.items()}
    if isinstance(wanted, list):
        at = live if isinstance(live, list) else [live]
        return [
            kept(name, item, at[place] if isinstance(item, Mapping) and place < len(at) else at)
            for place, item in enumerate(wanted)
        ]
    if not isinstance(wanted, str) or SHOWN not in wanted:
        return wanted
    for known in live if isinstance(live, list) else [live]:
        if isinstance(known, str) and (found := _same(name, wanted, known)) is not None:
            return found
    raise Unknown


def _same(name: str, wanted: str, known: str) -> str | None:
    if wanted == shown(name, known):
        return known
    one, other = _URI.fullmatch(wanted), _URI.fullmatch(known)
    if one is None or other is None or one["password"] != SHOWN:
        return None
    if any(one[part] != other[part] for part in ("scheme", "user", "host")):
        return None
    asked = {found["name"][1:]: found["value"] for found in _ASKED.finditer(other["rest"])}
    rest = _ASKED.sub(
        lambda found: (
            found["name"] + asked.get(found["name"][1:], SHOWN) if found["value"] == SHOWN else found[0]
        ),
        one["rest"],
    )
    whole = f"{one['scheme']}{one['user']}:{other['password']}@{one['host']}{rest}"
    return None if SHOWN in whole else whole


def _of_uri(text: str) -> Iterator[str]:
    # Up to the last @ of a word it is found at once or not at all: a long text is gone through but once.
    ends = (word[: word.rfind("@") + 1] for word in text.split())
    if found := next(filter(None, (re.search(r"://[^/?#:@\s]*:(\S*)@", word) for word in ends)), None):
        yield found[1]
    for asked in _ASKED.finditer(text) if "://" in text else ():
        if SHOWN in shown("", f"x://h/{asked[0].replace('&', '?', 1)}"):
            yield asked["value"]


def _mask(text: str) -> str:
    return SHOWN if text else text
