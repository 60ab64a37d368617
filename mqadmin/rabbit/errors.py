"""What can go wrong between mqadmin and a broker, told apart so that a page can say it in words.

No pika or requests exception leaves `mqadmin.rabbit`: each becomes one of these. `code` is a short slug
for programs, `str(error)` one plain sentence for an operator, `kind` the class of the fault (R16):
connection, channel, message or configuration.
"""

from __future__ import annotations

import ssl
from typing import ClassVar, Literal

from pika import exceptions as pika_errors
from pika.adapters.utils.connection_workflow import AMQPConnectorException

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


def from_reply(reply_code: int, reply_text: str, *, channel: bool) -> RabbitError:
    """Return the error for an AMQP close with `reply_code` and `reply_text`."""
    if reply_code == 530 and "not found" in reply_text:  # "NOT_ALLOWED - vhost x not found"
        return NotFound(f"The broker says: {reply_text}")
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
    if isinstance(error, pika_errors.AuthenticationError | pika_errors.ProbableAuthenticationError):
        return Refused(f"{where} refused the user name or password.", code="login_refused")
    if isinstance(error, pika_errors.ProbableAccessDeniedError):
        return Refused(f"{where} refused access to the virtual host.", code="vhost_refused")
    inner = _inner(error)
    if inner is not None:
        return from_pika(inner, where=where)
    if isinstance(error, pika_errors.IncompatibleProtocolError):
        return NoResponse(f"{where} does not speak AMQP 0-9-1.", code="not_amqp")
    if isinstance(error, ssl.SSLError):
        return NoResponse(
            f"The TLS handshake with {where} failed: {error.reason or error}.", code="tls_failed"
        )
    if isinstance(error, pika_errors.AMQPChannelError | pika_errors.ChannelError):
        return ChannelLost(f"The channel to {where} was lost: {error or type(error).__name__}.")
    text = "no answer in time" if "Timeout" in type(error).__name__ else str(error) or type(error).__name__
    return NoResponse(f"{where} cannot be reached: {text}.")


def _inner(error: BaseException) -> BaseException | None:
    """Return what pika wrapped: its connectors hand errors on as arguments, attributes or causes."""
    wrapped = getattr(error, "exceptions", None) or ([error.args[0]] if error.args else [])
    candidates = [getattr(error, "exception", None), *wrapped[-1:], error.__cause__]
    return next((item for item in candidates if isinstance(item, BaseException)), None)
