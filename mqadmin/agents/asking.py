"""The API of an mqadmin, asked over HTTP with a token; what goes wrong is said in a sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

_TIMES_S = (5.0, 60.0)  # to connect; from then on until it answers
_MOST = 16_000_000  # bytes of an answer
_CHUNK = 65_536


_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


class Trouble(Exception):
    """What went wrong: a sentence, a code for programs, and what more the API said of it."""

    def __init__(self, detail: str, code: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
        self.more = more or {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where mqadmin is, and the token it is asked with, which no message and no `repr` shows."""

    url: str
    token: str = field(repr=False)
    language: str = "en"  # of the sentences in answers


def place(environ: Mapping[str, str]) -> Place:
    """Return what MQADMIN_URL, MQADMIN_TOKEN and MQADMIN_LANGUAGE say. Raises Trouble for what cannot be."""
    url, token = environ.get("MQADMIN_URL", "").strip().rstrip("/"), environ.get("MQADMIN_TOKEN", "").strip()
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Trouble("Set MQADMIN_URL to where mqadmin is, such as https://mqadmin.example.com.", "no_url")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise Trouble("MQADMIN_URL may hold no user, password, query or fragment.", "no_url")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Trouble("Set MQADMIN_TOKEN to an API token of mqadmin.", "no_token")
    language = environ.get("MQADMIN_LANGUAGE", "").strip() or "en"
    if not _LANGUAGE.fullmatch(language):
        raise Trouble("MQADMIN_LANGUAGE is no language: it looks like en or zh-hans.", "no_language")
    return Place(url, token, language)


class Line:
    """Asks one mqadmin. Each request has a connection of its own, so that one that restarts is met at once."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def url(self) -> str:
        """Where it asks."""
        return self._place.url

    def ask(self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Return what a call answers: JSON as it is, other text in `text`, None for nothing. Any thread.

        `path`: behind /api/v1. Raises Trouble: with the API's own `detail` and `code`, or in words of our own.
        """
        try:
            with requests.Session() as session:
                answer = session.request(
                    method,
                    f"{self.url}/api/v1{path}",
                    params={key: _text(item) for key, item in (query or {}).items()},
                    json=body,
                    auth=self._sign,  # rather than a header: that of ~/.netrc would take its place
                    timeout=_TIMES_S,
                    allow_redirects=False,
                    stream=True,
                )
                content = self._content(answer)
        except requests.RequestException as error:
            raise self._no_answer(method, error) from None  # the error itself names headers in some cases
        return _read(answer, content)

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._place.token}"
        request.headers["Accept-Language"] = self._place.language
        return request

    def _content(self, answer: requests.Response) -> bytes:
        held = bytearray()
        for part in answer.iter_content(_CHUNK):
            held += part
            if len(held) > _MOST:
                raise Trouble(
                    "The answer is too long. Ask for less: a filter, or a smaller `limit`.", "too_long"
                )
        return bytes(held)

    def _no_answer(self, method: str, error: requests.RequestException) -> Trouble:
        if isinstance(error, requests.exceptions.SSLError):
            return Trouble(f"The certificate of {self.url} is not trusted.", "not_trusted")
        if method == "GET" or _was_not_sent(error):
            return Trouble(
                f"mqadmin at {self.url} does not answer. It may be restarting: try again shortly.",
                "no_answer",
            )
        return Trouble(
            f"mqadmin at {self.url} broke off. Whether the act was done is not known: look before you try again.",
            "unknown",
        )


def segment(value: Any) -> str:
    """Return a value as one segment of a path. Raises Trouble for one that would lead to another call."""
    text = _text(value)
    if text in ("", ".", "..") or any(sign in "/\\" or not sign.isprintable() for sign in text):
        raise Trouble(f"{text!r} is no name or id.", "invalid")
    return quote(text, safe="")


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, list) else str(value)


def _was_not_sent(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    why = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(why, NewConnectionError | ConnectTimeoutError)


def _read(answer: requests.Response, content: bytes) -> Any:
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    try:
        value = json.loads(content) if kind == "application/json" else None
    except ValueError:
        value = None
    if answer.ok and not answer.is_redirect:
        if kind == "application/json" or not content:
            return value
        return {"text": content.decode(errors="replace")}
    if not isinstance(value, dict) or "detail" not in value:
        said = f"What answers at MQADMIN_URL is not mqadmin's API: {answer.status_code} {answer.reason}."
        raise Trouble(said, "not_mqadmin", {"status": answer.status_code})
    detail, code = str(value.pop("detail")), str(value.pop("code", ""))
    if answer.status_code == 401:
        detail = "The token of MQADMIN_TOKEN is not valid: it was revoked, has expired, or is another's."
    raise Trouble(detail, code, {**value, "status": answer.status_code})
