"""What may be a secret in a text, as in the options of handlers, hidden from who may not define consumers.

Hidden are: options that are declared `secret`, whatever a name calls one, user and password, the values of a query
and long tokens in the path of a URL, and what else looks like a token. References to variables, `$WEBHOOK_NAME`,
are shown: they say where the secret is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

SHOWN = "•••"
VARIABLE_PREFIX = "WEBHOOK_"  # the variables that options may name
TOKEN_LENGTH = (
    16  # characters from which on a part of an address is taken for a token, unless it is plain words
)

_REFERENCE = re.compile(r"((?<!\$)\$(?:\{" + VARIABLE_PREFIX + r"\w*\}|" + VARIABLE_PREFIX + r"\w*))")
_NAMES = re.compile(
    r"passw|pwd|secret|token|credential|cookie|authorization|signature|session"
    r"|(?:^|[-_.])(?:auth|sig|jwt|pass)(?:$|[-_.])"
    r"|(?:api|access|private|auth|secret|signing|account|shared|master)[-_.]?keys?(?:$|[-_.])",
    re.IGNORECASE,
)
_IN_QUERIES = re.compile(r"^(?:key|code|sig|hash|hmac|auth|access)$", re.IGNORECASE)
# No pattern may go through a long word from each of its letters: texts come from outside, and can be of any length.
# So a scheme has its bounds, and a name begins where nothing of a name stands before it.
_URL = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|\$\{?" + VARIABLE_PREFIX + r"\w+\}?)[^\s\"'<>]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)
_CREDENTIALS = re.compile(r"\b(Bearer|Basic|Digest|ApiKey)(\s+)([^\s,;\"']+)", re.IGNORECASE)
_PAIR = re.compile(r"(?<![\w.-])([\w.-]+)(\s*[=:]\s*)([^\s,;&\"'{}\[\]]+)")
_WORDS = re.compile(r"[a-z]{1,15}(?:[-_.][a-z]{1,15})*")
_LONG = re.compile(rf"[A-Za-z0-9+=]{{{TOKEN_LENGTH},}}|[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}")


def hidden(options: Mapping[str, Any], declared: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return options with what may be secret in their texts hidden; `declared`: those that are, altogether."""
    return {
        name: _all(value) if name in declared and isinstance(value, str) else _value(name, value)
        for name, value in options.items()
    }


def hidden_text(text: str) -> str:
    """Return `text` with what may be secret in it hidden: JSON by its names, URLs by their parts, tokens."""
    found = _json(text)
    if found is not None:
        return json.dumps(_value("", found), ensure_ascii=False)
    return _plain(text)


def seems_secret(text: str) -> bool:
    """Whether a literal secret seems to stand in `text`: a value in a query alone is none."""
    if _json(text) is not None:
        return hidden_text(text) != json.dumps(_json(text), ensure_ascii=False)
    return _plain(text, _secret_query) != text


def secrets(url: str) -> Iterator[str]:
    """Yield the parts of a URL that are hidden, but for references: who is called may repeat them."""
    parts = _SCHEME.fullmatch(url)
    if parts is None:
        return
    segments = (part for part in parts[3].split("/") if _is_token(part))
    values = (part.partition("=")[2] or part for part in (parts[4] or "")[1:].split("&"))
    for part in (parts[2].rpartition("@")[0], *segments, *values, (parts[5] or "")[1:]):
        yield from (piece for piece in _REFERENCE.split(part) if not _REFERENCE.fullmatch(piece))


def _value(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _value(str(key), item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(name, item) for item in value]
    if not isinstance(value, str):
        return value
    return _credentials(value) if _NAMES.search(name) else hidden_text(value)


def _json(text: str) -> Any:
    """Return the table or list that a text is, None for any other text."""
    try:
        found = json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _credentials(text: str) -> str:
    """Hide all but references, and the word before them: "Bearer $WEBHOOK_TOKEN"."""
    word, space, rest = text.partition(" ")
    return f"{word}{space}{_all(rest)}" if space and word.isalpha() and len(word) < 9 and rest else _all(text)


def _all(text: str) -> str:
    """Hide all but references."""
    return "".join(
        part if _REFERENCE.fullmatch(part) else SHOWN for part in _REFERENCE.split(text) if part.strip()
    )


def _plain(text: str, query: Callable[[str], str] | None = None) -> str:
    found, at = "", 0
    for match in _URL.finditer(text):
        found += _prose(text[at : match.start()]) + _url(match[0], query or _query)
        at = match.end()
    return found + _prose(text[at:])


def _prose(text: str) -> str:
    text = _CREDENTIALS.sub(lambda match: f"{match[1]}{match[2]}{_all(match[3])}", text)
    text = _PAIR.sub(
        lambda match: f"{match[1]}{match[2]}{_all(match[3])}" if _NAMES.search(match[1]) else match[0], text
    )
    return _LONG.sub(lambda match: SHOWN if _is_mixed(match[0]) else match[0], text)


def _url(url: str, query: Callable[[str], str]) -> str:
    parts = _SCHEME.fullmatch(url)
    if parts is None:
        return SHOWN
    scheme, authority, path, asked, fragment = parts.groups()
    login, at, host = authority.rpartition("@")
    segments = [_all(part) if _is_token(_REFERENCE.sub("", part)) else part for part in path.split("/")]
    return "".join(
        (
            scheme or "",
            _all(login) + at,
            host,
            "/".join(segments),
            "?" + "&".join(map(query, asked[1:].split("&"))) if asked else "",
            "#" + _all(fragment[1:]) if fragment else "",
        )
    )


def _query(part: str) -> str:
    name, equals, value = part.partition("=")
    return f"{name}={_all(value)}" if equals else _all(part)


def _secret_query(part: str) -> str:
    name, _equals, value = part.partition("=")
    literal = _REFERENCE.sub("", value)
    named = bool(_NAMES.search(name) or _IN_QUERIES.match(name))
    return _query(part) if literal and (named or _is_token(literal)) else part


def _is_token(part: str) -> bool:
    return len(part) >= TOKEN_LENGTH and not _WORDS.fullmatch(part)


def _is_mixed(word: str) -> bool:
    """Whether it is no word of a language: digits among letters, as tokens have them, or a UUID."""
    return any(sign.isdigit() for sign in word) and any(sign.isalpha() for sign in word)
