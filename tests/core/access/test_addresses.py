"""Whose word is taken about where a request comes from."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from django.test import Client, RequestFactory

from mqadmin.core.access import addresses

PROXIES = ["10.0.0.0/8", "2001:db8:ff::/48", "::1"]


def client(peer: str, forwarded: str | None = None, **more: str) -> str:
    meta = {"REMOTE_ADDR": peer, **more}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return addresses.client(RequestFactory().get("/", **meta))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("10.0.0.9", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.9", None, "10.0.0.9"),  # the proxy itself, or one that does not say
        ("10.0.0.9", "", "10.0.0.9"),
        (
            "10.0.0.9",
            "6.6.6.6, 203.0.113.7",
            "203.0.113.7",
        ),  # what the client wrote itself stands to the left
        ("10.0.0.9", "6.6.6.6, 203.0.113.7, 10.1.1.1, 10.2.2.2", "203.0.113.7"),
        ("10.0.0.9", "10.3.3.3, 10.2.2.2", "10.3.3.3"),  # from among the proxies
        ("10.0.0.9", "203.0.113.7, 198.51.100.1", "198.51.100.1"),  # a proxy that is not trusted is a client
        ("10.0.0.9", "203.0.113.7, what?, 10.2.2.2", "10.2.2.2"),  # nothing left of what no proxy writes
        ("10.0.0.9", "203.0.113.7,", "10.0.0.9"),
        ("10.0.0.9", "203.0.113.7:4711", "203.0.113.7"),
        ("10.0.0.9", "[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.9", '"[2001:DB8::0:7]"', "2001:db8::7"),
        ("10.0.0.9", "fe80::7%eth0", "fe80::7"),
        ("::ffff:10.0.0.9", "::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:ff::2", "2001:db8:1::7, 2001:db8:ff::1", "2001:db8:1::7"),
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),  # no proxy of ours
        ("", "203.0.113.7", ""),  # a unix socket, which is not named
        ("what?", "203.0.113.7", ""),
        ("10.0.0.9", "6.6.6.6," + "10.1.1.1," * 5000 + "10.2.2.2", "10.1.1.1"),
    ],
)
def test_from_the_right_past_the_trusted_to_the_first_that_is_not(
    settings: Any, peer: str, forwarded: str | None, found: str
) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = PROXIES
    assert client(peer, forwarded) == found


def test_nobody_is_believed_unless_named(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = []
    assert client("127.0.0.1", "203.0.113.7") == "127.0.0.1"


def test_no_other_header_is_believed_ever(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = PROXIES
    more = {"HTTP_X_REAL_IP": "6.6.6.6", "HTTP_FORWARDED": "for=6.6.6.6", "HTTP_CLIENT_IP": "6.6.6.6"}
    assert client("10.0.0.9", None, **more) == "10.0.0.9"


def test_a_proxy_on_the_unix_socket_can_be_named(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = ["unix"]
    assert client("", "203.0.113.7") == "203.0.113.7"
    assert client("", None) == ""
    assert client("127.0.0.1", "203.0.113.7") == "127.0.0.1"


def test_a_network_of_ipv6_is_one_place() -> None:
    assert addresses.site("2001:db8:1:2:3:4:5:6") == addresses.site("2001:db8:1:2::") == "2001:db8:1:2::"
    assert addresses.site("2001:db8:1:3::1") != addresses.site("2001:db8:1:2::1")
    assert addresses.site("203.0.113.7") == "203.0.113.7"
    assert addresses.site("") == "0.0.0.0"  # noqa: S104


def test_a_setting_that_cannot_be_read_trusts_nobody_and_stops_the_start(settings: Any) -> None:
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.9", "proxy.example.com", "0.0.0.0/0", "::/0"]
    found = {message.id: str(message.msg) for message in run_checks() if message.id == "mqadmin.E001"}
    said = [str(message.msg) for message in run_checks() if message.id == "mqadmin.E001"]
    assert found
    assert [
        word for word in settings.MQADMIN_TRUSTED_PROXIES if any(repr(word) in line for line in said)
    ] == [
        "proxy.example.com",
        "0.0.0.0/0",
        "::/0",
    ]
    assert client("198.51.100.1", "203.0.113.7") == "198.51.100.1"
    assert client("10.0.0.9", "203.0.113.7") == "203.0.113.7"


def test_a_proxy_that_is_not_named_is_told(settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert "mqadmin.W001" in {message.id for message in run_checks()}
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.9"]
    assert "mqadmin.W001" not in {message.id for message in run_checks()}


def test_https_is_believed_of_a_trusted_proxy_only(db: None, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    settings.MQADMIN_TRUSTED_PROXIES = ["10.0.0.9"]
    headers = {"X-Forwarded-Proto": "https"}
    assert Client(REMOTE_ADDR="10.0.0.9").get("/login/", headers=headers).status_code == 200
    stranger = Client(REMOTE_ADDR="10.0.0.8")
    assert stranger.get("/login/", headers=headers)["Location"] == "https://testserver/login/"
    assert stranger.get("/healthz", headers=headers).status_code == 200  # a probe is no proxy
