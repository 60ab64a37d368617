"""The variables of `make up`: what they default to, and what is said about nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from mqadmin.local.trouble import Trouble
from mqadmin.up.options import from_environ


def test_defaults_are_a_private_broker_with_demo() -> None:
    options = from_environ({})
    assert (options.host, options.port) == ("127.0.0.1", 8000)
    assert (options.amqp_port, options.http_port) == (5673, 15673)
    assert options.private_broker
    assert options.demo
    assert options.var.name == "var"
    assert options.var.is_absolute()


def test_own_broker_means_no_demo_unless_asked() -> None:
    url = {"RABBITMQ_URL": "amqp://rabbit.example/"}
    assert not from_environ(url).private_broker
    assert not from_environ(url).demo
    assert from_environ({**url, "DEMO": "1"}).demo


def test_demo_can_be_left_out() -> None:
    assert not from_environ({"DEMO": "0"}).demo


def test_the_address_has_the_path_below_which_the_pages_are() -> None:
    assert from_environ({"MQADMIN_BASE_PATH": "tools/mq/"}).address == "http://127.0.0.1:8000/tools/mq/"
    with pytest.raises(Trouble, match="MQADMIN_BASE_PATH is no path"):
        from_environ({"MQADMIN_BASE_PATH": "https://example.org/"})


def test_page_of_a_server_on_all_addresses_is_reached_by_loopback() -> None:
    assert from_environ({"HOST": "0.0.0.0", "PORT": "81"}).address == "http://127.0.0.1:81/"  # noqa: S104


def test_var_may_be_relative_to_where_make_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert from_environ({"MQADMIN_VAR": "data"}).var == tmp_path / "data"


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PORT": "eighty"}, "PORT=eighty is not a port"),
        ({"BROKER_AMQP_PORT": "70000"}, "BROKER_AMQP_PORT=70000 is not a port"),
        ({"DEMO": "maybe"}, "DEMO=maybe is neither"),
        ({"RABBITMQ_MANAGEMENT_URL": "http://x:15672"}, "RABBITMQ_URL is not"),
    ],
)
def test_nonsense_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(Trouble, match=words):
        from_environ(environ)
