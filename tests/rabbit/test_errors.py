"""R16: connection, channel, message and configuration told apart, whatever pika wraps them in."""

from __future__ import annotations

import ssl

import pytest
from pika import exceptions as pika_errors
from pika.adapters.utils.connection_workflow import (
    AMQPConnectionWorkflowFailed,
    AMQPConnectorSocketConnectError,
    AMQPConnectorStackTimeout,
)

from mqadmin.rabbit import errors
from mqadmin.rabbit.errors import RabbitError, from_pika, from_tls, together

CLOSED = "ConnectionClosedByBroker: ({code}) '{text}'"


@pytest.mark.parametrize(
    ("error_class", "kind"),
    [
        (errors.NoResponse, "connection"),
        (errors.BadResponse, "connection"),
        (errors.BadRequest, "configuration"),
        (errors.NotOffered, "configuration"),
        (errors.Refused, "configuration"),
        (errors.NotFound, "channel"),
        (errors.ManagementUnavailable, "configuration"),
        (errors.Unroutable, "message"),
        (errors.Nacked, "message"),
        (errors.ChannelLost, "channel"),
        (errors.HeldTooLong, "channel"),
        (errors.ConfigurationError, "configuration"),
        (errors.UnsafePeek, "message"),
    ],
)
def test_every_class_has_its_kind(error_class: type[RabbitError], kind: str) -> None:
    assert error_class("x").kind == kind


def test_the_table_of_kinds_is_complete() -> None:
    (mark,) = [m for m in test_every_class_has_its_kind.pytestmark if m.name == "parametrize"]  # type: ignore[attr-defined]
    assert {row[0] for row in mark.args[1]} == set(below(RabbitError))


def below(parent: type[RabbitError]) -> list[type[RabbitError]]:
    children = parent.__subclasses__()
    return children + [found for child in children for found in below(child)]


@pytest.mark.parametrize(
    ("error", "kind", "code", "words"),
    [
        (
            pika_errors.ChannelClosedByBroker(404, "NOT_FOUND - no queue 'q'"),
            "channel",
            "not_found",
            "no queue",
        ),
        (pika_errors.ChannelClosedByBroker(403, "ACCESS_REFUSED"), "configuration", "access_refused", "403"),
        (
            pika_errors.ChannelClosedByBroker(406, "PRECONDITION_FAILED"),
            "channel",
            "channel_lost",
            "closed the",
        ),
        (pika_errors.ChannelClosedByBroker(312, "NO_ROUTE"), "message", "unroutable", "NO_ROUTE"),
        (pika_errors.ChannelWrongStateError("shut"), "channel", "channel_lost", "h:1 was lost: shut"),
        (
            pika_errors.ConnectionClosedByBroker(320, "CONNECTION_FORCED - bye"),
            "connection",
            "no_response",
            "bye",
        ),
        (pika_errors.ConnectionClosedByBroker(501, "FRAME_ERROR"), "connection", "no_response", "FRAME"),
        (
            pika_errors.StreamLostError("Transport indicated EOF"),
            "connection",
            "no_response",
            "h:1 broke: Tran",
        ),
        (
            pika_errors.StreamLostError("Stream connection lost: ConnectionResetError(104, 'Reset by peer')"),
            "connection",
            "no_response",
            "The connection to h:1 broke: Reset by peer.",
        ),
        (pika_errors.AMQPHeartbeatTimeout("60 s"), "connection", "no_response", "no answer in time"),
        (
            ConnectionRefusedError(111, "Connection refused"),
            "connection",
            "no_response",
            "h:1 cannot be reached: Con",
        ),
        (
            AMQPConnectionWorkflowFailed([AMQPConnectorSocketConnectError(OSError(113, "No route to host"))]),
            "connection",
            "no_response",
            "h:1 cannot be reached: No route to host.",
        ),
        (
            AMQPConnectionWorkflowFailed([AMQPConnectorStackTimeout("Timeout after 3 s")]),
            "connection",
            "no_response",
            "no answer in time",
        ),
        (pika_errors.IncompatibleProtocolError("0-8"), "connection", "not_amqp", "h:1 does not speak AMQP"),
        (
            pika_errors.IncompatibleProtocolError("StreamLostError: ('eof',)"),
            "connection",
            "not_amqp",
            "h:1 ended the connection before it said anything",
        ),
        (
            pika_errors.IncompatibleProtocolError(
                "StreamLostError: (\"Stream connection lost: SSLError(1, '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]"
                " tlsv13 alert certificate required (_ssl.c:2580)')\",)"
            ),
            "connection",
            "tls_failed",
            "h:1 failed: it wants a client certificate",
        ),
        (
            pika_errors.ProbableAuthenticationError(
                CLOSED.format(code=403, text="ACCESS_REFUSED - Login was")
            ),
            "configuration",
            "login_refused",
            "h:1 refused the user name or password",
        ),
        (
            pika_errors.ProbableAuthenticationError("StreamLostError: ('eof',)"),
            "connection",
            "opening_cut",
            "while it was being opened",
        ),
        (
            pika_errors.ProbableAccessDeniedError(
                CLOSED.format(code=530, text="NOT_ALLOWED - vhost v not found")
            ),
            "configuration",
            "vhost_missing",
            "h:1 refused access to the virtual host: vhost v not found.",
        ),
        (
            pika_errors.ProbableAccessDeniedError(
                "ConnectionClosedByBroker: (530) \"NOT_ALLOWED - access to vhost 'v' refused for user 'u'\""
            ),
            "configuration",
            "vhost_refused",
            "virtual host: access to vhost 'v' refused for user 'u'.",
        ),
        (
            pika_errors.ProbableAccessDeniedError(
                CLOSED.format(code=530, text="NOT_ALLOWED - access refused: connection limit (5) is reached")
            ),
            "connection",
            "connection_limit",
            "h:1 takes no more connections",
        ),
        (
            pika_errors.ProbableAccessDeniedError(
                CLOSED.format(code=530, text="NOT_ALLOWED - access refused: vhost v is down")
            ),
            "connection",
            "vhost_down",
            "h:1 does not serve the virtual host now",
        ),
        (
            pika_errors.ProbableAccessDeniedError(
                CLOSED.format(code=320, text="CONNECTION_FORCED - broker forced connection closure")
            ),
            "connection",
            "no_response",
            "CONNECTION_FORCED",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
)
def test_pikas_errors_are_told_apart(error: BaseException, kind: str, code: str, words: str) -> None:
    found = from_pika(error, where="h:1")
    assert (found.kind, found.code) == (kind, code)
    assert words in str(found)
    assert "[Errno" not in str(found)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "certificate verify failed: Hostname mismatch, certificate is not valid for 'x'",
            "another host name.",
        ),
        ("certificate verify failed: IP address mismatch, certificate is not", "another host name."),
        ("CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired", "has expired."),
        (
            "CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in",
            "(ca_file) vouches",
        ),
        (
            "SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert",
            "does it want a client certificate (cert_file, key_file)?",
        ),
        (
            "TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca",
            "authority of the client certificate (cert_file).",
        ),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED]", "the client certificate (cert_file) has expired."),
        ("SSLV3_ALERT_BAD_CERTIFICATE]", "it refuses the client certificate (cert_file)."),
        ("WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1)", "is this the port for it?"),
        ("SOMETHING_NEW] something new", "something new."),
    ],
)
def test_what_openssl_says_is_said_plainly(said: str, words: str) -> None:
    found = from_tls(ssl.SSLError(1, f"[SSL: {said}"), where="h:1")
    assert str(found).startswith("The TLS handshake with h:1 failed: ")
    assert str(found).endswith(words) or words in str(found)
    assert (found.code, found.kind) == ("tls_failed", "connection")


def test_what_several_hosts_said_is_one_error() -> None:
    one, two = errors.NoResponse("a is silent."), errors.Refused("b refuses.", code="login_refused")
    both = together([one, two])
    assert (str(both), type(both), both.code) == ("a is silent. b refuses.", errors.Refused, "login_refused")
    assert together([one]) is one


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("no queue 'q'", "no queue 'q'."),
        ("no queue 'q'. ", "no queue 'q'."),
        ("is it full?", "is it full?"),
        ("vhost 'a' is down!", "vhost 'a' is down!"),
        ("and so on …", "and so on …"),
    ],
)
def test_somebody_elses_words_end_once(text: str, told: str) -> None:
    assert errors.sentence(text) == told
    assert str(from_pika(OSError(text))).endswith(f": {told}")


TIMED_OUT = "PRECONDITION_FAILED - delivery acknowledgement on channel 12 timed out"


@pytest.mark.parametrize(
    ("text", "timeout_ms"),
    [
        (
            f"{TIMED_OUT}. Timeout value used: 1800000 ms. This timeout value can be configured, see ...",
            1_800_000,
        ),
        (f"{TIMED_OUT}. Timeout value used: -1 ms.", None),
        (f"{TIMED_OUT}. Timeout value used: soon", None),
        (f"{TIMED_OUT}: {'9' * 40} ms", None),
        ("PRECONDITION_FAILED - consumer ack timed out on channel 1", None),
    ],
)
def test_a_message_held_too_long_is_told_from_other_closings(text: str, timeout_ms: int | None) -> None:
    error = errors.from_reply(406, text, channel=True)
    assert isinstance(error, errors.HeldTooLong)
    assert error.timeout_ms == timeout_ms


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (406, "PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/'"),
        (406, "PRECONDITION_FAILED - unknown delivery tag 7"),
        (320, TIMED_OUT),
    ],
)
def test_other_closings_are_not(code: int, text: str) -> None:
    assert not isinstance(errors.from_reply(code, text, channel=True), errors.HeldTooLong)


@pytest.mark.parametrize(
    ("ms", "words"), [(1_800_000, "30 min"), (7_200_000, "2 h"), (5_000, "5 s"), (1_500, "1.5 s")]
)
def test_it_says_how_long_a_message_may_be_held(ms: int, words: str) -> None:
    assert f"held longer than {words}, its consumer timeout." in str(errors.held_too_long(ms))
