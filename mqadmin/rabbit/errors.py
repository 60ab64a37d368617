"""What can go wrong between mqadmin and a broker, told apart so that a page can say it in words.

No pika or requests exception leaves `mqadmin.rabbit`: each becomes one of these. `code` is a short slug
for programs, `str(error)` one plain sentence for an operator, `kind` the class of the fault (R16):
connection, channel, message or configuration.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from typing import ClassVar, Literal

from pika import exceptions as pika_errors
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from mqadmin.rabbit import refusals

Kind = Literal["connection", "channel", "message", "configuration"]


class RabbitError(Exception):
    """Anything that RabbitMQ, or the way to it, refused or failed to do."""

    code: str = "rabbit_error"
    kind: ClassVar[Kind] = "connection"

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        if code is not None:
            self.code = code


class NoResponse(RabbitError):
    """The broker cannot be reached, or did not answer in time."""

    code = "no_response"


class BadResponse(RabbitError):
    """The broker answered with a status or a body that mqadmin does not understand."""

    code = "bad_response"


class BadRequest(BadResponse):
    """RabbitMQ understood, and will not do it: it contradicts what is there. Asking again changes nothing."""

    kind = "configuration"


class NotOffered(BadRequest):
    """This broker has no such call: its version has not, or a plugin is not enabled."""

    code = "not_offered"


class Refused(RabbitError):
    """Wrong credentials, or a user without the permission (HTTP 401 and 403, AMQP access_refused)."""

    code = "access_refused"
    kind = "configuration"


class NotFound(RabbitError):
    """The vhost, queue, exchange or policy does not exist."""

    code = "not_found"
    kind = "channel"


class ManagementUnavailable(RabbitError):
    """Something answers at the management address, but it is not RabbitMQ's management API."""

    code = "management_unavailable"
    kind = "configuration"


class Unroutable(RabbitError):
    """The broker returned the message: no queue would have received it."""

    code = "unroutable"
    kind = "message"


class Nacked(RabbitError):
    """The broker said no to the message: a full queue that rejects, or a queue without its leader."""

    code = "nacked"
    kind = "message"


class ChannelLost(RabbitError):
    """The broker closed the channel, and with it everything that was in hand on it."""

    code = "channel_lost"
    kind = "channel"


class HeldTooLong(ChannelLost):
    """The broker closed the channel since a message on it was held, unacked, for longer than it lets consumers.

    `timeout_ms`: for how long that is, None where the broker does not say (4.3 says -1 after a basic.get).
    """

    code = "held_too_long"
    timeout_ms: int | None = None


class ConfigurationError(RabbitError):
    """The description of a broker in brokers.toml or the environment cannot be used."""

    code = "configuration"
    kind = "configuration"


class UnsafePeek(RabbitError):
    """Looking at the messages of this queue could lose, delay or reorder one, so it was not done."""

    code = "unsafe_peek"
    kind = "message"


PIKA_ERRORS = (pika_errors.AMQPError, pika_errors.ChannelError, AMQPConnectorException, OSError)
"""What pika raises when the connection, the channel or the broker fails: give them to `from_pika`."""

# AMQP 0-9-1 reply codes, https://www.rabbitmq.com/amqp-0-9-1-reference#constants
_BY_REPLY_CODE: dict[int, type[RabbitError]] = {
    312: Unroutable,
    320: NoResponse,
    403: Refused,
    404: NotFound,
    530: Refused,
}


# "delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms. ..." since 3.9, before that
# "consumer ack timed out on channel 1". Not: "invalid arg 'x-consumer-timeout' for queue ...".
_HELD_TOO_LONG = re.compile(r"\back(nowledge?ment)?\b.*\btimed out\b", re.IGNORECASE | re.DOTALL)
_MILLISECONDS = re.compile(r"(-?\d+)\s*ms\b")


def held_too_long(timeout_ms: int | None = None) -> HeldTooLong:
    """Return the error for a message that was held for longer than `timeout_ms`, where that is known."""
    limit = f"{_span(timeout_ms)}, its consumer timeout" if timeout_ms else "its consumer timeout"
    error = HeldTooLong(f"The broker took back what was in hand: a message was held longer than {limit}.")
    error.timeout_ms = timeout_ms
    return error


def _from_timeout(reply_text: str) -> HeldTooLong | None:
    """Return the error for a channel closed by the consumer timeout, None for one closed by anything else."""
    if not _HELD_TOO_LONG.search(reply_text):
        return None
    said = _MILLISECONDS.search(reply_text)
    value = int(said[1]) if said and len(said[1]) < 16 else 0
    return held_too_long(value if value > 0 else None)


def _span(milliseconds: int) -> str:
    """Return a time as people say it: "30 min", "1.5 s"."""
    for unit, size in (("h", 3_600_000), ("min", 60_000)):
        if milliseconds % size == 0:
            return f"{milliseconds // size} {unit}"
    return f"{milliseconds / 1000:g} s"


def sentence(text: str) -> str:
    """Return words of somebody else's, or what ends with them, as one sentence: with a full stop where they have no
    end of their own."""
    text = text.rstrip()
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."


def from_reply(reply_code: int, reply_text: str, *, channel: bool) -> RabbitError:
    """Return the error for an AMQP close with `reply_code` and `reply_text`."""
    if reply_code == 530 and "not found" in reply_text:  # "NOT_ALLOWED - vhost x not found"
        return NotFound(f"The broker says: {reply_text}")
    if reply_code == 406 and channel and (held := _from_timeout(reply_text)):
        return held
    if reply_code == 403 and (denied := refusals.of_amqp(reply_text)):
        return Refused(denied)
    error_class = _BY_REPLY_CODE.get(reply_code, ChannelLost if channel else NoResponse)
    what = "closed the channel" if channel else "closed the connection"
    return error_class(f"The broker {what}: {reply_text} ({reply_code}).")


def from_pika(error: BaseException, *, where: str = "the broker") -> RabbitError:
    """Return the RabbitError for an exception raised by pika or a socket; `where` names host and port."""
    if isinstance(error, RabbitError):
        return error
    if isinstance(error, pika_errors.ChannelClosed | pika_errors.ConnectionClosed):
        is_channel = isinstance(error, pika_errors.ChannelClosed)
        return from_reply(error.reply_code, error.reply_text, channel=is_channel)
    if isinstance(error, _OPENING):
        return _from_opening(error, where)
    inner = _inner(error)
    if inner is not None:
        return from_pika(inner, where=where)
    if "[SSL: " in str(error) or isinstance(error, ssl.SSLError):
        return from_tls(error, where=where)
    if isinstance(error, pika_errors.AMQPChannelError | pika_errors.ChannelError):
        return ChannelLost(sentence(f"The channel to {where} was lost: {error or type(error).__name__}"))
    if isinstance(error, pika_errors.StreamLostError):
        return NoResponse(sentence(f"The connection to {where} broke: {_plain(error)}"))
    if "Timeout" in type(error).__name__ or "Timeout while setting up" in str(error):
        return NoResponse(f"{where} cannot be reached: no answer in time.")
    return NoResponse(sentence(f"{where} cannot be reached: {_plain(error)}"))


_OPENING = (
    pika_errors.IncompatibleProtocolError,
    pika_errors.AuthenticationError,
    pika_errors.ProbableAuthenticationError,
    pika_errors.ProbableAccessDeniedError,
)
# pika guesses by the stage at which the connection ended, and keeps what happened only as the repr of it.
_CLOSED_WITH = re.compile(r"ConnectionClosedByBroker: \((\d+)\) (['\"])(.*)\2", re.DOTALL)


def _from_opening(error: BaseException, where: str) -> RabbitError:
    """Return the error for a connection that ended while it was being opened."""
    said = str(error.args[0]) if error.args else ""
    closed = _CLOSED_WITH.search(said)
    if closed is not None:
        return _from_opening_reply(error, int(closed[1]), closed[3], where)
    if "[SSL: " in said:
        return from_tls(error, where=where)
    if isinstance(error, pika_errors.AuthenticationError):
        return _login_refused(where)
    if "StreamLostError" not in said:
        return NoResponse(f"{where} does not speak AMQP 0-9-1.", code="not_amqp")
    if isinstance(error, pika_errors.IncompatibleProtocolError):
        # A server that misses a client certificate says so (see `from_tls`), but its words are lost where the
        # connection is reset before they are read.
        return NoResponse(
            f"{where} ended the connection before it said anything. Is it starting? Is this the port for AMQP? "
            "Does it want TLS (amqps), or a client certificate (cert_file, key_file)?",
            code="not_amqp",
        )
    return NoResponse(f"{where} ended the connection while it was being opened.", code="opening_cut")


def _from_opening_reply(error: BaseException, reply_code: int, reply_text: str, where: str) -> RabbitError:
    """Return the error for a broker that closed the connection, and said why, while it was being opened."""
    reason = reply_text.partition(" - ")[2] or reply_text
    if reply_code == 530 and "connection limit" in reason:
        return NoResponse(sentence(f"{where} takes no more connections: {reason}"), code="connection_limit")
    if reply_code == 530 and reason.endswith("is down"):
        return NoResponse(
            sentence(f"{where} does not serve the virtual host now: {reason}"), code="vhost_down"
        )
    if reply_code == 530:
        code = "vhost_missing" if reason.endswith("not found") else "vhost_refused"
        return Refused(sentence(f"{where} refused access to the virtual host: {reason}"), code=code)
    if reply_code == 403 and not isinstance(error, pika_errors.ProbableAccessDeniedError):
        return _login_refused(where)
    return from_reply(reply_code, reply_text, channel=False)


def _login_refused(where: str) -> Refused:
    return Refused(f"{where} refused the user name or password.", code="login_refused")


# What OpenSSL says, anywhere in the text of an exception, and what it means to whoever set mqadmin up.
_TLS_WORDS = (
    ("ostname mismatch", "its certificate is for another host name"),
    ("IP address mismatch", "its certificate is for another host name"),
    ("certificate has expired", "its certificate has expired"),
    ("certificate is not yet valid", "its certificate is not valid yet (is a clock wrong?)"),
    ("CERTIFICATE_VERIFY_FAILED", "no authority that is trusted here (ca_file) vouches for its certificate"),
    ("CERTIFICATE_REQUIRED", "it wants a client certificate (cert_file, key_file)"),
    ("ALERT_HANDSHAKE_FAILURE", "it broke off; does it want a client certificate (cert_file, key_file)?"),
    ("ALERT_UNKNOWN_CA", "it does not know the authority of the client certificate (cert_file)"),
    ("ALERT_CERTIFICATE_EXPIRED", "the client certificate (cert_file) has expired"),
    ("ALERT_CERTIFICATE", "it refuses the client certificate (cert_file)"),
    ("ALERT_BAD_CERTIFICATE", "it refuses the client certificate (cert_file)"),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS; is this the port for it?"),
    ("PROTOCOL_VERSION", "it speaks another version of TLS"),
)


def from_tls(error: BaseException, *, where: str) -> NoResponse:
    """Return the error for a TLS handshake that failed; `where` names host and port, or the URL."""
    said = str(error)
    meaning = next((words for mark, words in _TLS_WORDS if mark in said), None)
    reason = meaning or getattr(error, "reason", None) or said
    return NoResponse(
        f"The TLS handshake with {where} failed: {reason}{'' if reason.endswith('?') else '.'}",
        code="tls_failed",
    )


def _plain(error: BaseException) -> str:
    """Return the operating system's words for what happened, without its numbers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    said = str(error)
    wrapped = re.search(r"Error\(\d+, '([^']+)'\)", said)  # the repr of one, in pika's text
    return wrapped[1] if wrapped else said or type(error).__name__


def together(faults: Sequence[RabbitError]) -> RabbitError:
    """Return one error for what each host of a broker said; it is of the last one's class and code."""
    last = faults[-1]
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    return last if len(texts) == 1 else type(last)(" ".join(texts), code=last.code)


def _inner(error: BaseException) -> BaseException | None:
    """Return what pika wrapped: its connectors hand errors on as arguments, attributes or causes."""
    wrapped = getattr(error, "exceptions", None) or ([error.args[0]] if error.args else [])
    candidates = [getattr(error, "exception", None), *wrapped[-1:], error.__cause__]
    return next((item for item in candidates if isinstance(item, BaseException)), None)
