"""Where the webhook handler may call: public addresses only, by the address that was checked, under its name."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import calling
from consumers.runtime.api import Reject, Retry
from tests.consumers.handlers.deliveries import delivery
from tests.consumers.handlers.webhooks import bound, call, faults
from tests.support.web_servers import http_server


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",  # noqa: S104
        "100.64.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1",
        "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1",
    ],
)  # fmt: skip
def test_these_addresses_are_refused(address: str) -> None:
    assert calling.why_refused(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_not(address: str) -> None:
    assert calling.why_refused(address) == ""


def test_a_private_address_is_refused_in_the_form_and_a_name_at_the_start() -> None:
    assert "loopback" in faults(url="http://127.0.0.1:8000/")["url"]
    assert "link-local" in faults(url="http://169.254.169.254/latest")["url"]
    assert "loopback" in faults(url="http://[::1]/")["url"]
    assert "loopback" in faults(url="http://localhost/")["url"]
    assert "loopback" in faults(url="http://2130706433/")["url"]  # 127.0.0.1 in disguise


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Have names resolve to these addresses, one answer after the other; return the names as they come."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, *_args: Any, **_kwargs: Any) -> list[Any]:
        if host.replace(".", "").isdigit():  # connecting to an address looks it up as well
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        asked.append(host)
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_is_looked_up_once_and_the_checked_address_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolving(monkeypatch, ["93.184.216.34"], ["93.184.216.34"], ["127.0.0.1"])
    called: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], *_args: Any) -> socket.socket:
        called.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(calling, "create_connection", create_connection)
    handle = bound(url="http://rebind.test/", allow_private=False)
    with pytest.raises(Retry):
        handle(delivery(b"x"))
    assert called == [("93.184.216.34", 80)]
    assert asked == ["rebind.test"] * 2  # at the start, and for the call: not between check and connect
    with pytest.raises(Reject, match=r"rebind.test \(127.0.0.1\) is a loopback address"):
        handle(delivery(b"x"))
    assert called == [("93.184.216.34", 80)]


def test_one_private_address_among_many_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["93.184.216.34"], ["93.184.216.34", "10.0.0.7"])
    handle = bound(url="https://mixed.test/", allow_private=False)
    with pytest.raises(Reject, match=r"mixed.test \(10.0.0.7\) is a private address"):
        handle(delivery(b"x"))


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for `name`; return it and its key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name}", "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem", folder / "key.pem"


def test_tls_and_host_header_keep_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "hook.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    named: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: named.append(name)
    resolving(monkeypatch, ["127.0.0.1"])
    monkeypatch.setattr(calling, "why_refused", lambda _address: "")  # the guarded way, to loopback
    with http_server(context) as server:
        url = f"https://hook.test:{server.port}/in"
        with pytest.raises(Retry, match="TLS failed"):
            call(url=url, allow_private=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(cert))
        call(url=url, allow_private=False)
        with pytest.raises(Retry, match="TLS failed"):
            call(url=f"https://other.test:{server.port}/in", allow_private=False)
        [request] = server.requests
        assert request.headers["Host"] == f"hook.test:{server.port}"
    assert named == ["hook.test", "hook.test", "other.test"]
