"""The webhook handler against real servers on loopback."""

from __future__ import annotations

import json
import socket
import threading
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess
from consumers.runtime.api import Reject, Retry
from consumers.runtime.handling import logs
from mqadmin.rabbit.config import BrokerConfig
from tests.consumers.handlers.deliveries import delivery
from tests.consumers.handlers.webhooks import bound, call, faults
from tests.support import amqp
from tests.support.processes import manage
from tests.support.waiting import patient, wait_until
from tests.support.web_servers import Server, raw_server

# --- what is sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_the_body_goes_out_unchanged_with_the_message_described_in_headers(
    server: Server, method: str
) -> None:
    message = delivery(
        b"\x00\xffbody",
        routing_key="order.created",
        content_type="application/x-thing",
        message_id="m-1",
        correlation_id="c-1",
        type="order",
        app_id="shop",
        timestamp=1_700_000_000,
        headers={"traceparent": "00-ab-cd-01", "mqadmin-attempt": 3, "mqadmin-requeue-id": "r-1"},
    )
    call(message, url=f"{server.url}/in?x=1", method=method, headers='{"X-Shop": "blue"}')
    [request] = server.requests
    assert (request.method, request.path, request.body) == (method, "/in?x=1", b"\x00\xffbody")
    wanted = {
        "Content-Type": "application/x-thing",
        "X-Shop": "blue",
        "traceparent": "00-ab-cd-01",
        "X-Mqadmin-Message-Id": "m-1",
        "X-Mqadmin-Correlation-Id": "c-1",
        "X-Mqadmin-Type": "order",
        "X-Mqadmin-App-Id": "shop",
        "X-Mqadmin-Timestamp": "1700000000",
        "X-Mqadmin-Queue": "q",
        "X-Mqadmin-Routing-Key": "order.created",
        "X-Mqadmin-Attempt": "3",
        "X-Mqadmin-Redelivered": "false",
        "X-Mqadmin-Requeue-Id": "r-1",
        "Content-Length": "6",
    }
    assert {name: request.headers[name] for name in wanted} == wanted
    assert request.headers["X-Mqadmin-Exchange"] is None  # the default exchange has no name


def test_a_message_without_a_content_type_is_bytes_and_may_be_empty(server: Server) -> None:
    call(delivery(b""), url=server.url)
    [request] = server.requests
    assert request.body == b""
    assert request.headers["Content-Type"] == "application/octet-stream"
    assert request.headers["Content-Length"] == "0"


def test_configured_headers_win_over_those_of_the_message(server: Server) -> None:
    message = delivery(b"x", content_type="text/plain")
    call(message, url=server.url, headers='{"content-type": "application/json"}')
    [request] = server.requests
    assert request.headers.get_all("Content-Type") == ["application/json"]


def test_a_message_cannot_write_headers_of_its_own(server: Server) -> None:
    message = delivery(
        b"x",
        content_type="text/plain\r\nX-Evil: 1",
        message_id=" é\n%",
        headers={"traceparent": "00\r\n\r\nGET / HTTP/1.1"},
    )
    call(message, url=server.url)
    [request] = server.requests
    assert request.headers["X-Evil"] is None
    assert request.headers["Content-Type"] == "text/plain%0D%0AX-Evil: 1"
    assert request.headers["X-Mqadmin-Message-Id"] == "%C3%A9%0A%25"
    assert len(server.requests) == 1


def test_the_environment_fills_in_what_must_not_be_stored(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_KEY", "s3cret")
    monkeypatch.setenv("WEBHOOK_BASE", server.url)
    call(
        url="${WEBHOOK_BASE}/in/$WEBHOOK_KEY",
        headers='{"Authorization": "Bearer $WEBHOOK_KEY", "X-Price": "5$$"}',
    )
    [request] = server.requests
    assert request.path == "/in/s3cret"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.headers["X-Price"] == "5$"


def test_each_thread_keeps_its_connection(server: Server) -> None:
    handle = bound(url=server.url)

    def two() -> None:
        for _time in range(2):
            handle(delivery(b"x"))

    two()
    thread = threading.Thread(target=two)
    thread.start()
    thread.join(patient(10))
    peers = [request.peer for request in server.requests]
    assert peers[0] == peers[1] != peers[2] == peers[3]


def test_a_proxy_of_the_environment_is_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    call(url=server.url)
    assert len(server.requests) == 1


# --- what the answer means ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_these_statuses_ack(server: Server, status: int) -> None:
    server.status, server.body = status, b""
    call(url=server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 599])
def test_these_statuses_retry_as_the_consumer_says(server: Server, status: int) -> None:
    server.status, server.body = status, b"not  <now>"
    with pytest.raises(Retry, match=f"answered {status}: not <now>") as raised:
        call(url=server.url)
    assert raised.value.delay is None


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_every_other_status_rejects(server: Server, status: int) -> None:
    server.status, server.body, server.chunked = status, b"no such order", True
    with pytest.raises(Reject, match=f"answered {status}: no such order"):
        call(url=server.url)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused_not_followed(server: Server, status: int) -> None:
    server.status, server.headers = status, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(Reject, match="redirects are refused"):
        call(url=server.url)
    assert len(server.requests) == 1


def test_the_options_may_say_otherwise(server: Server) -> None:
    server.status = 409
    call(url=server.url, ack="200-204, 409", retry="404")
    server.status = 404
    with pytest.raises(Retry):
        call(url=server.url, ack="200-204, 409", retry="404")
    server.status = 503
    with pytest.raises(Reject):
        call(url=server.url, retry="")


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("86400", 60, 60),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0),
        (format_datetime(datetime.now(UTC) + timedelta(days=2), usegmt=True), 60, 60),
        ("Wed, 21 Oct 2065 07:28:00 -0000", 60, 60),
    ],
    ids=["seconds", "at once", "too long", "a date gone by", "a date far off", "a date without a zone"],
)
def test_retry_after_is_honoured_within_bounds(server: Server, value: str, low: float, high: float) -> None:
    server.status, server.headers = 429, {"Retry-After": value}
    with pytest.raises(Retry) as raised:
        call(url=server.url, longest_wait_s=60)
    assert raised.value.delay is not None
    assert low <= raised.value.delay <= high


def test_retry_after_as_a_date_counts_from_now(server: Server) -> None:
    server.status = 503
    server.headers = {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)}
    with pytest.raises(Retry) as raised:
        call(url=server.url)
    assert 25 < (raised.value.delay or 0) <= 30


@pytest.mark.parametrize(
    "value",
    [
        "soon",
        "-5",
        "1.5",
        "²",
        "Wed, 99 Oct 2065 07:28:00 GMT",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Wed, 21 Oct 2065 99999999999:28:00 GMT",
    ],
)
def test_a_retry_after_that_says_nothing_is_none(server: Server, value: str) -> None:
    server.status, server.headers = 503, {"Retry-After": value.encode().decode("latin-1")}
    with pytest.raises(Retry) as raised:
        call(url=server.url)
    assert raised.value.delay is None


def test_log_lines_say_status_and_duration(server: Server) -> None:
    message = delivery(b"x")
    collector = logs.MessageLogHandler()
    message.log.logger.addHandler(collector)
    message.log.logger.setLevel("INFO")
    logs.begin(message)
    try:
        call(message, url=f"{server.url}/secret-path")
    finally:
        logs.end()
        message.log.logger.removeHandler(collector)
    [(_offset, level, text)] = message.log_lines or []
    assert level == "INFO"
    assert text.startswith(f"POST {server.url} answered 200 in ")
    assert text.endswith(" ms")


# --- no answer ------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_nobody_there_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Retry, match=r"the connection failed \(Connection refused\)"):
        call(url=f"http://127.0.0.1:{free_port()}/")

    def unknown(*_args: Any, **_kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for allowed in (True, False):
        with pytest.raises(Retry, match="the name cannot be resolved"):
            call(url="http://nowhere.invalid/", allow_private=allowed)


def silent(_connection: socket.socket, over: threading.Event) -> None:
    over.wait()


def trickle(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.wait(0.1):
        connection.sendall(b"X-More: 1\r\n")


def nonsense(connection: socket.socket, _over: threading.Event) -> None:
    connection.sendall(b"SSH-2.0-OpenSSH\r\n")


@pytest.mark.parametrize("speak", [silent, trickle])
def test_an_answer_that_does_not_come_in_time_retries(speak: Any) -> None:
    """The answer never comes: without the limit the call would not end."""
    with raw_server(speak) as port, pytest.raises(Retry, match=r"no answer within 0\.4 s"):
        call(url=f"http://127.0.0.1:{port}/", timeout_s=0.4)


def test_an_answer_that_is_none_retries() -> None:
    with raw_server(nonsense) as port, pytest.raises(Retry, match="the connection failed"):
        call(url=f"http://127.0.0.1:{port}/")


def flood(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 No\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"a" * 65536)


def drip(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not over.wait(0.05):
        connection.sendall(b"1\r\na\r\n")


def test_no_more_of_an_answer_is_read_than_wanted() -> None:
    with raw_server(flood) as port, pytest.raises(Reject, match=r"answered 400: a+$") as raised:
        call(url=f"http://127.0.0.1:{port}/")
    assert len(str(raised.value)) < 400
    with raw_server(drip) as port:  # for ever
        call(url=f"http://127.0.0.1:{port}/", timeout_s=0.4)  # the status was known: it acks


def test_no_error_repeats_what_was_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_PATH", "s3cret")
    with pytest.raises(Retry) as raised:
        call(url=f"http://127.0.0.1:{free_port()}/$WEBHOOK_PATH")
    assert "s3cret" not in "".join(traceback.format_exception(raised.value))


# --- options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("url", "ftp://example.org/", "https://example.org"),
        ("url", "example.org", "https://example.org"),
        ("url", "https://user:pw@example.org/", "Authorization"),
        ("url", "https://example.org/a b", "percent-encoded"),
        ("url", "https://example.org:99999/", "not a valid URL"),
        ("url", "https://example.org/$DATABASE_URL", "WEBHOOK_"),
        ("url", "", "needed"),
        ("method", "GET", "POST"),
        ("headers", "[]", "JSON object"),
        ("headers", "{", "JSON object"),
        ("headers", '{"X-N": 1}', "JSON object"),
        ("headers", '{"X N": "1"}', "name"),
        ("headers", '{"Content-Length": "1"}', "connection itself"),
        ("headers", '{"X-N": "a\\r\\nX-M: b"}', "printable"),
        ("headers", '{"X-N": "$RABBITMQ_URL"}', "WEBHOOK_"),
        ("headers", '{"Authorization": "Bearer abc"}', "environment variable"),
        ("headers", '{"X-Api-Key": "abc$$"}', "environment variable"),
        ("headers", '{"X-N": "$WEBHOOK_NOT_SET"}', "not set"),
        ("ack", "2xx", "2xx"),
        ("ack", "299-200", "backwards"),
        ("ack", "", "needed"),
        ("retry", "200", "200"),
        ("timeout_s", 0, "At least"),
    ],
)
def test_wrong_options_are_named(field: str, value: Any, words: str) -> None:
    found = faults(**{field: value})
    assert list(found) == [field]
    assert words in found[field]


def test_a_form_takes_a_variable_that_only_the_consumers_host_has() -> None:
    options = {"url": "https://$WEBHOOK_HOST/", "headers": '{"Authorization": "$WEBHOOK_NOT_SET"}'}
    registry.bind(registry.get("webhook"), options)


@pytest.mark.broker
def test_a_consumer_that_cannot_prepare_fails_with_words_and_takes_no_message(
    process_environ: dict[str, str], broker_config: BrokerConfig, vhost: str, server: Server
) -> None:
    with amqp.channel(broker_config, vhost) as channel:
        channel.queue_declare("q", durable=True)
    amqp.publish(broker_config, vhost, "q", [b"{}"])
    options = {
        "url": server.url,
        "allow_private": True,
        "headers": json.dumps({"Authorization": "$WEBHOOK_TOKEN"}),
    }
    consumer = Consumer.objects.create(
        name="hooks", broker="default", vhost=vhost, queue="q", handler="webhook", options=options,
        desired=Consumer.Desired.RUNNING,
    )  # fmt: skip
    with manage(process_environ, "run_consumer", "hooks") as process:
        assert process.wait(patient(60)) == 3
    row = ConsumerProcess.objects.get(consumer=consumer)
    assert row.state == ConsumerProcess.State.FAILED
    assert "WEBHOOK_TOKEN is not set" in row.exit_reason
    [message] = amqp.drain(broker_config, vhost, "q", expect=1)
    assert not message.redelivered
    assert server.requests == []

    amqp.publish(broker_config, vhost, "q", [b"{}"])
    with manage({**process_environ, "WEBHOOK_TOKEN": "abc"}, "run_consumer", "hooks"):
        wait_until(lambda: server.requests, 30)
    assert server.requests[0].headers["Authorization"] == "abc"
    assert amqp.depth(broker_config, vhost, "q") == 0


def test_an_answer_that_repeats_a_secret_is_kept_without_it(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_TOKEN", "s3cret of ours")
    server.status = 400
    server.body = (
        b"no: s3cret of ours, hunter2, sixsixsix, Xk29fjQ8aLmZ0pW7rT4y, a%20b+c, a b+c; blue is known"
    )
    headers = {"Authorization": "Bearer $WEBHOOK_TOKEN", "X-Auth": "sixsixsix", "X-Shop": "blue"}
    url = f"{server.url}/Xk29fjQ8aLmZ0pW7rT4y?key=hunter2&q=a%20b+c"
    with pytest.raises(Reject) as raised:
        call(url=url, headers=json.dumps(headers))
    assert str(raised.value).endswith("answered 400: no: •••, •••, •••, •••, •••, •••; blue is known")


def test_no_level_of_the_log_says_whole_addresses(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        call(url=f"{server.url}/in?key=hunter2")
    assert server.requests
    assert "hunter2" not in caplog.text
