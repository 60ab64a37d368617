"""A broker that the user named: what is wrong with it is said in words that lead to the remedy."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mqadmin.local import ports, reach
from mqadmin.local.trouble import Trouble
from tests.support.management import Management

pytestmark = pytest.mark.broker


@pytest.fixture
def somebody_else() -> Iterator[str]:
    """A web server that is not RabbitMQ."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<h1>Welcome to nginx!</h1>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def stranger(management: Management) -> Iterator[str]:
    """The name (and password) of a user without tags and without rights on any vhost."""
    name = f"stranger-{uuid.uuid4().hex[:8]}"
    management.create_user(name, name)
    yield name
    management.delete_user(name)


@pytest.mark.parametrize("order", [("up", "down"), ("down", "up")])
def test_one_of_several_that_is_down_stops_nothing(
    order: tuple[str, str],
    amqp_url: str,
    management_url: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = ports.pick()
    urls = {
        "up": (amqp_url, management_url),
        "down": (f"amqp://u:p@127.0.0.1:{nowhere}/", f"http://u:p@127.0.0.1:{nowhere}/"),
    }
    file = tmp_path / "brokers.toml"
    lines = [
        f"[brokers.{name}]\namqp_url = '{urls[name][0]}'\nmanagement_url = '{urls[name][1]}'\n"
        for name in order
    ]
    file.write_text("".join(lines))
    reach.check({"MQADMIN_BROKERS_FILE": str(file)})
    said = capsys.readouterr().out
    assert "Broker down, AMQP:" in said
    assert "Broker up" not in said
    file.write_text(lines[order.index("down")])
    with pytest.raises(Trouble, match="Broker down, AMQP"):
        reach.check({"MQADMIN_BROKERS_FILE": str(file)})


def test_working_broker_passes(amqp_url: str, management_url: str) -> None:
    _check(amqp_url, management_url)


def test_nothing_listens(management_url: str) -> None:
    port = ports.pick()
    _expect("Is RabbitMQ running there", f"amqp://guest:guest@127.0.0.1:{port}/", management_url)


def test_wrong_password(amqp_url: str, management_url: str) -> None:
    _expect("Correct the user or the password", _with(amqp_url, userinfo="mqadmin:wrong"), management_url)


def test_no_right_on_the_vhost(stranger: str, amqp_url: str, management_url: str) -> None:
    _expect("rabbitmqctl set_permissions", _with(amqp_url, userinfo=f"{stranger}:{stranger}"), management_url)


def test_vhost_that_does_not_exist(amqp_url: str, management_url: str) -> None:
    _expect("absent", amqp_url.rstrip("/") + "/absent", management_url)


def test_user_without_the_management_tag(stranger: str, amqp_url: str, management_url: str) -> None:
    url = _with(management_url, userinfo=f"{stranger}:{stranger}")
    _expect(f"rabbitmqctl set_user_tags {stranger} monitoring", amqp_url, url)


def test_management_plugin_absent(amqp_url: str) -> None:
    _expect("rabbitmq-plugins enable rabbitmq_management", amqp_url, f"http://127.0.0.1:{ports.pick()}/")


def test_something_else_at_the_management_address(amqp_url: str, somebody_else: str) -> None:
    _expect("rabbitmq-plugins enable rabbitmq_management", amqp_url, somebody_else)


def _check(amqp_url: str, management_url: str) -> None:
    reach.check({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})


def _expect(words: str, amqp_url: str, management_url: str) -> None:
    with pytest.raises(Trouble) as caught:
        _check(amqp_url, management_url)
    assert words in str(caught.value)
    assert "Traceback" not in str(caught.value)


def _with(url: str, *, userinfo: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{userinfo}@{parts.netloc.rpartition('@')[2]}").geturl()
