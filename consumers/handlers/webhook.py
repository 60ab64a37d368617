"""The built-in `webhook`: each message goes to a URL, and the status of the answer decides its fate."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from django.conf import settings
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumers.handlers import addresses, calling, everybodys
from consumers.handlers.options import OptionsError
from consumers.handlers.registry import Place, handler, option
from consumers.runtime.api import Reject, Retry
from mqadmin.core import hiding
from mqadmin.core.hiding import VARIABLE_PREFIX
from mqadmin.rabbit.headers import REQUEUE_ID
from mqadmin.rabbit.reading import jsontext
from mqadmin.telemetry import publishing

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

# Only variables of VARIABLE_PREFIX may be named in options: whoever may define a consumer must not be able to send
# mqadmin's own passwords, which are in its environment too, to an address of their choice.
EXCERPT = 300  # characters of an answer that are kept with a failure
SHORTEST_SECRET = 4  # characters: what is shorter is in any text by chance

_REFERENCE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: a header's name
_PLAIN = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_STATUSES = re.compile(r"\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?")
_FRAMING = {"host", "content-length", "transfer-encoding", "connection", "trailer", "te", "upgrade", "expect"}
_SECRET = re.compile(r"(?:(?:^|-)(?:authorization|cookie)|token|secret|password|api-?key)$", re.IGNORECASE)


def _private_help() -> str:
    if settings.MQADMIN_FORBID_PRIVATE_ADDRESSES:
        return _(
            "This installation forbids them (MQADMIN_FORBID_PRIVATE_ADDRESSES): they are refused, ticked or not."
        )
    return _(
        "Else loopback, private, link-local and other special addresses are refused; those of a cloud's metadata "
        "are in any case."
    )


@dataclass(frozen=True)
class Options:
    """Where to, how, and what each status means."""

    url: str = option(
        "",
        label=gettext_lazy("URL"),
        help=gettext_lazy(
            "$WEBHOOK_NAME stands for an environment variable, here and in the headers. A secret in the URL "
            "belongs into one: https://example.org/hook?key=$WEBHOOK_KEY."
        ),
        required=True,
    )
    method: str = option(
        "POST", label=gettext_lazy("Method"), choices=[("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH")]
    )
    headers: str = option(
        "",
        label=gettext_lazy("More headers"),
        help=gettext_lazy(
            'A JSON object: {"Authorization": "Bearer $WEBHOOK_TOKEN"}. Secrets belong into variables.'
        ),
    )
    timeout_s: float = option(10.0, label=gettext_lazy("Timeout (s)"), minimum=0.1, maximum=300)
    ack: str = option(
        "200-299",
        label=gettext_lazy("Statuses that ack"),
        help=gettext_lazy("Numbers and ranges, as in 200-204, 409."),
        required=True,
    )
    retry: str = option(
        "408, 425, 429, 500-599",
        label=gettext_lazy("Statuses that retry"),
        help=gettext_lazy(
            "So does no answer at all. How often is the consumer's own setting. Every other status rejects."
        ),
    )
    longest_wait_s: float = option(
        300.0,
        label=gettext_lazy("Longest Retry-After (s)"),
        help=gettext_lazy("An answer may say when to come back; later than this it may not."),
        minimum=0,
        maximum=86_400,
    )
    allow_private: bool = option(
        False,
        label=gettext_lazy("Allow private addresses"),
        help=lazy(_private_help, str)(),
    )


@dataclass(frozen=True)
class Hook:
    """The options ready for use: references filled in, statuses read, connections to be kept.

    `secrets`: what an answer may repeat of what it was sent, and nobody is to read.
    """

    caller: calling.Caller
    where: str
    secrets: tuple[str, ...]
    headers: Mapping[str, str]
    acks: frozenset[int]
    retries: frozenset[int]
    longest_wait_s: float


def check(options: Options) -> None:
    """Raise OptionsError for what is wrong wherever it would run."""
    errors: dict[str, str] = {}
    statuses: dict[str, frozenset[int]] = {}
    for name in ("ack", "retry"):
        try:
            statuses[name] = _statuses(getattr(options, name))
        except ValueError as error:
            errors[name] = str(error)
    both = sorted(statuses.get("ack", frozenset()) & statuses.get("retry", frozenset()))
    if both:
        errors["retry"] = _("%(status)s acks already.") % {"status": both[0]}
    for name, look in (("headers", _read_headers), ("url", _look_at_url)):
        try:
            look(options)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise OptionsError(errors)


def prepare(options: Options, _place: Place) -> Hook:
    """Fill in the environment. Raises OptionsError for a variable that is not set, or a refused address."""
    url = _filled("url", options.url)
    written = _read_headers(options)
    headers = {name: _filled("headers", value) for name, value in written.items()}
    for name, value in headers.items():
        if not _PRINTABLE.fullmatch(value):
            raise OptionsError({"headers": _("%(name)s: not a header's value.") % {"name": name}})
    try:
        parts = _split(url)
        _look_up(parts, private_too=_may_be_private(options))
    except ValueError as error:
        raise OptionsError({"url": str(error)}) from None
    return Hook(
        caller=calling.Caller(
            options.method, url, timeout_s=options.timeout_s, allow_private=_may_be_private(options)
        ),
        where=f"{options.method} {parts.scheme}://{parts.netloc}",
        secrets=_secrets(options, written),
        headers=headers,
        acks=_statuses(options.ack),
        retries=_statuses(options.retry),
        longest_wait_s=options.longest_wait_s,
    )


@handler(
    "webhook",
    title=gettext_lazy("Call a webhook"),
    description=gettext_lazy(
        "Send each body to a URL. The answer's status acks, retries or rejects it; redirects are refused."
    ),
    options=Options,
    check=check,
    prepare=prepare,
    forbidden=lambda options, _place: everybodys.refused(options, _references),
)
def webhook(message: Delivery, options: Hook) -> None:
    """Send the message; return on a status that acks, raise Retry or Reject on any other."""
    try:
        answer = options.caller.send(message.body, _headers(message, options))
    except calling.AddressRefused as error:
        raise Reject(f"{options.where}: {error}") from None
    except calling.NoAnswer as error:
        message.log.warning("%s: %s", options.where, error)
        raise Retry(f"{options.where}: {error}") from None
    said = f"{options.where} answered {answer.status}"
    if answer.status in options.acks:
        message.log.info("%s in %.0f ms", said, answer.seconds * 1000)
        return
    message.log.warning("%s in %.0f ms", said, answer.seconds * 1000)
    excerpt = _excerpt(answer.body, options.secrets)
    if answer.status in options.retries:
        wait = _retry_after(answer.headers.get("Retry-After"), options.longest_wait_s)
        raise Retry(f"{said}: {excerpt}" if excerpt else said, delay=wait)
    if 300 <= answer.status < 400:
        raise Reject(f"{said}: redirects are refused")
    raise Reject(f"{said}: {excerpt}" if excerpt else said)


def _excerpt(body: bytes, secrets: tuple[str, ...]) -> str:
    text = body.decode("utf-8", "replace")
    for secret in secrets:
        text = text.replace(secret, hiding.SHOWN)
    return " ".join(text.split())[:EXCERPT]


# --- what is sent -----------------------------------------------------------------------------------------


def _headers(message: Delivery, hook: Hook) -> dict[str, str]:
    """The message's own headers, over them those of the options. Names are compared without case."""
    properties = message.properties
    own: dict[str, Any] = {
        "Content-Type": properties.content_type,
        "Content-Encoding": properties.content_encoding,
        "traceparent": message.headers.get("traceparent"),
        "tracestate": message.headers.get("tracestate"),
        **publishing.current(),
        "X-Mqadmin-Consumer": message.consumer,
        "X-Mqadmin-Queue": message.queue,
        "X-Mqadmin-Exchange": message.exchange,
        "X-Mqadmin-Routing-Key": message.routing_key,
        "X-Mqadmin-Message-Id": properties.message_id,
        "X-Mqadmin-Correlation-Id": properties.correlation_id,
        "X-Mqadmin-Type": properties.type,
        "X-Mqadmin-App-Id": properties.app_id,
        "X-Mqadmin-Timestamp": properties.timestamp,
        "X-Mqadmin-Attempt": message.attempt,
        "X-Mqadmin-Redelivered": "true" if message.redelivered else "false",
        "X-Mqadmin-Requeue-Id": message.headers.get(REQUEUE_ID),
    }
    configured = {name.lower() for name in hook.headers}
    found = {
        name: _header_value(value)
        for name, value in own.items()
        if value not in (None, "") and name.lower() not in configured
    }
    if "content-type" not in configured:
        found.setdefault("Content-Type", "application/octet-stream")
    return {**found, **hook.headers}


def _header_value(value: Any) -> str:
    """Percent-encode what a header cannot carry: a publisher must not be able to write headers of its own."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    encoded = quote(text.encode("utf-8", "replace"), safe=_PLAIN)
    return encoded.strip(" ")


def _retry_after(value: str | None, longest: float) -> float | None:
    """Return the seconds that a Retry-After asks for (RFC 9110: seconds, or a date), bounded; None = none."""
    text = (value or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), longest)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), longest)


# --- reading options --------------------------------------------------------------------------------------


def _statuses(text: str) -> frozenset[int]:
    """Read "200-299, 409". Raises ValueError."""
    found: set[int] = set()
    for part in text.split(","):
        match = _STATUSES.fullmatch(part)
        if match is None and part.strip():
            raise ValueError(_("“%(part)s” is no status and no range of them.") % {"part": part.strip()})
        if match is not None:
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first:
                raise ValueError(_("“%(part)s” runs backwards.") % {"part": part.strip()})
            found.update(range(first, last + 1))
    return frozenset(found)


def _read_headers(options: Options) -> dict[str, str]:
    """Read the configured headers, references as they are. Raises ValueError."""
    if not options.headers.strip():
        return {}
    try:
        table = jsontext.strict(options.headers)
    except ValueError:
        table = None
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ValueError(_('A JSON object of texts is needed: {"name": "value"}.'))
    for name, value in table.items():
        words = {"name": name}
        if not _TOKEN.fullmatch(name):
            raise ValueError(_("“%(name)s” is not a header's name.") % words)
        if name.lower() in _FRAMING:
            raise ValueError(_("%(name)s is set by the connection itself.") % words)
        if value and not _PRINTABLE.fullmatch(value):
            raise ValueError(_("%(name)s: only printable ASCII, without spaces at the ends.") % words)
        _references(value)
        if _SECRET.search(name) and not _REFERENCE.search(value.replace("$$", "")):
            text = _("%(name)s: a secret belongs in an environment variable, named here as $%(prefix)s…")
            raise ValueError(text % {**words, "prefix": VARIABLE_PREFIX})
    return table


def _look_at_url(options: Options) -> None:
    """Raise ValueError for a URL that can be judged before its references are filled in."""
    if _references(options.url):
        return
    parts = _split(options.url)
    private_too = _may_be_private(options)
    address = addresses.literal(parts.hostname or "")  # a name is looked up where it is called
    kind = addresses.why_refused(address, private_too=private_too) if address else ""
    if kind:
        where = address if address == parts.hostname else f"{parts.hostname} ({address})"
        raise ValueError(_refused(f"{where} is {kind} address", private_too))


def _may_be_private(options: Options) -> bool:
    return options.allow_private and not settings.MQADMIN_FORBID_PRIVATE_ADDRESSES


def _split(url: str) -> SplitResult:
    """Raise ValueError, without repeating the URL: it may hold a secret."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(_("This is not a valid URL.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(_("A URL such as https://example.org/path is needed."))
    if parts.username is not None or parts.password is not None:
        raise ValueError(_("No user and password in the URL: use the header Authorization."))
    if not _PRINTABLE.fullmatch(url) or " " in url:
        raise ValueError(_("Spaces and letters beyond ASCII must be percent-encoded in a URL."))
    return parts


def _look_up(parts: SplitResult, *, private_too: bool) -> None:
    """Raise ValueError when the host is known to be none that may be called."""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        calling.checked_addresses(parts.hostname or "", port, private_too=private_too)
    except calling.AddressRefused as error:
        raise ValueError(_refused(str(error), private_too)) from None
    except (socket.gaierror, UnicodeError):
        return  # perhaps later: each call looks again


def _refused(reason: str, private_too: bool) -> str:
    if private_too:
        return f"{reason}."
    if settings.MQADMIN_FORBID_PRIVATE_ADDRESSES:
        return _("%(reason)s, and this installation forbids them.") % {"reason": reason}
    return _("%(reason)s. Allow private addresses if that is meant.") % {"reason": reason}


def _secrets(options: Options, headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return what must not be repeated, the longest first: variables' values, and what is hidden of the options."""
    found = {os.environ[name] for text in (options.url, *headers.values()) for name in _references(text)}
    found.update(hiding.secrets(options.url))
    found.update(value for name, value in headers.items() if hiding.hidden({name: value}) != {name: value})
    found.update([unquote(text) for text in found])
    return tuple(sorted((text for text in found if len(text) >= SHORTEST_SECRET), key=len, reverse=True))


def _references(text: str) -> list[str]:
    """Return the variables that `text` names. Raises ValueError for one that may not be named."""
    names = [match[1] or match[2] for piece in text.split("$$") for match in _REFERENCE.finditer(piece)]
    for name in names:
        if not name.startswith(VARIABLE_PREFIX):
            raise ValueError(
                _(
                    "$%(name)s: only variables whose names begin with %(prefix)s may be used; $$ is a dollar sign."
                )
                % {"name": name, "prefix": VARIABLE_PREFIX}
            )
    return names


def _filled(option_name: str, text: str) -> str:
    """Return `text` with its references filled in. Raises OptionsError for a variable that is not set."""
    for name in _references(text):
        if name not in os.environ:
            missing = _("The environment variable %(name)s is not set on %(host)s.")
            raise OptionsError({option_name: missing % {"name": name, "host": socket.gethostname()}})

    def value(match: re.Match[str]) -> str:
        return os.environ[match[1] or match[2]]

    return "$".join(_REFERENCE.sub(value, piece) for piece in text.split("$$"))
