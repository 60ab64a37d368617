"""Where the webhook handler may call: public addresses only, by the address that was checked, under its name."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import addresses, calling, registry
from consumers.handlers.registry import OptionsError
from consumers.runtime.api import Reject, Retry
from tests.consumers.handlers.deliveries import delivery
from tests.consumers.handlers.webhooks import bound, call, faults
from tests.support.web_servers import Server, http_server

SPECIAL = [
    "0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.1.1", "172.16.0.1",  # noqa: S104
    "172.31.255.255", "192.0.0.1", "192.0.0.8", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.31.196.1",
    "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "2606:4700::1111%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1",
    "100::1", "100:0:0:1::1", "2001:1::1", "2001:2::1", "2001:3::1", "2001:10::1", "2001:20::1", "2001:30::1",
    "2001:db8::1", "2620:4f:8000::1", "3ffe::1", "3fff::1", "3fff:fff:ffff::1", "5f00::1", "4000::1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fd00:ec2::254",
    "fd20:ce::254", "::ffff:169.254.169.254", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::1", "::a9fe:a9fe", "fd12::5efe:a9fe:a9fe",
]  # fmt: skip
INSIDE = [  # an address that names another inside
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::8.8.8.8", "::ffff:0:10.0.0.1", "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "64:ff9b::a00:1", "64:ff9b:1::808:808", "2606:4700::5efe:10.0.0.1",
    "2606:4700::200:5efe:10.0.0.1", "2002:808:808::",
]  # fmt: skip


@pytest.mark.parametrize("address", [*SPECIAL, *METADATA, *INSIDE])
def test_these_addresses_are_refused(address: str) -> None:
    assert addresses.why_refused(address)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "172.32.0.1", "192.0.1.1", "168.63.129.17", "198.20.0.1", "223.255.255.255",
     "2606:4700::1111", "2001:200::1", "2a00:1450::1", "3fff:1000::1", "::ffff:1.1.1.1", "64:ff9b::101:101"],
)  # fmt: skip
def test_public_addresses_are_not(address: str) -> None:
    assert addresses.why_refused(address) == ""


@pytest.mark.parametrize("address", METADATA)
def test_a_clouds_metadata_is_refused_whatever_is_allowed(address: str) -> None:
    assert "metadata" in addresses.why_refused(address, private_too=True)
    assert addresses.why_refused("127.0.0.1", private_too=True) == ""
    assert (
        "metadata"
        in faults(url=f"http://[{address}]/" if ":" in address else f"http://{address}/", allow_private=True)[
            "url"
        ]
    )


def test_what_is_allowed_is_checked_at_the_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["10.0.0.7"], ["168.63.129.16"])
    handle = bound(url="http://rebind.test/", allow_private=True)
    with pytest.raises(Reject, match=r"rebind.test \(168.63.129.16\) is a cloud's metadata address"):
        handle(delivery(b"x"))


def test_an_installation_may_forbid_private_addresses(settings: Any, server: Server) -> None:
    handle = bound(url=server.url)
    assert "ticked or not" not in private_help()
    settings.MQADMIN_FORBID_PRIVATE_ADDRESSES = True
    assert "forbids" in faults(url=server.url, allow_private=True)["url"]
    assert "forbids" in faults(url="http://localhost/", allow_private=True)["url"]
    assert "ticked or not" in private_help()
    handle(delivery(b"x"))  # it was made before: read at the start, like all settings
    assert len(server.requests) == 1


def private_help() -> str:
    fields = registry.option_fields(registry.get("webhook"))
    return next(field.help for field in fields if field.name == "allow_private")


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001"]
)
def test_other_spellings_of_an_address_are_known_in_the_form_already(host: str) -> None:
    with pytest.raises(OptionsError, match="loopback"):
        registry.bind(registry.get("webhook"), {"url": f"http://{host}/"})


def test_a_private_address_is_refused_in_the_form_and_a_name_at_the_start() -> None:
    assert "loopback" in faults(url="http://127.0.0.1:8000/")["url"]
    assert "metadata" in faults(url="http://169.254.169.254/latest")["url"]
    assert "loopback" in faults(url="http://[::1]/")["url"]
    assert "loopback" in faults(url="http://localhost/")["url"]


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
    monkeypatch.setattr(addresses, "why_refused", lambda _address, **_how: "")  # the guarded way, to loopback
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
