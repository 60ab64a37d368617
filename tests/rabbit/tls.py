"""A real RabbitMQ that speaks TLS on both doors and wants a client certificate. Import the fixtures by name."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mqadmin.local import ports
from mqadmin.local.node import Node
from mqadmin.rabbit.config import BrokerConfig, load
from tests.support import own_nodes


@dataclass(frozen=True)
class Certificates:
    """PEM files: `ca`, the `server` it vouches for by the name localhost, a `client`; `foreign`, a `stranger`."""

    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / name)


def make_certificates(folder: Path) -> Certificates:
    """Have openssl make two authorities, and certificates of them, valid for two days."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for authority in ("ca", "foreign"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={authority}", "-days", "2",
                "-keyout", f"{authority}.key", "-out", f"{authority}.pem")  # fmt: skip
    for name, subject, authority in (
        ("server", "localhost", "ca"),
        ("client", "client", "ca"),
        ("stranger", "client", "foreign"),
    ):
        (folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{subject}\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
    return Certificates(folder)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_node(
    certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Node, BrokerConfig]]:
    """A node of its own, not yet started, and how it is spoken to over TLS as `localhost`, by certificate."""
    amqps, https = ports.pick(), ports.pick()
    node = Node(tmp_path_factory.mktemp("tls") / "node", ports.pick(), ports.pick())
    (node.folder / "conf.d").mkdir(parents=True)
    options = {
        "cacertfile": certificates.file("ca.pem"),
        "certfile": certificates.file("server.pem"),
        "keyfile": certificates.file("server.key"),
        "verify": "verify_peer",
        "fail_if_no_peer_cert": "true",
    }
    lines = [
        f"listeners.ssl.1 = 127.0.0.1:{amqps}",
        "management.ssl.ip = 127.0.0.1",
        f"management.ssl.port = {https}",
        *(
            f"{door}.{key} = {value}"
            for door in ("ssl_options", "management.ssl")
            for key, value in options.items()
        ),
    ]
    (node.folder / "conf.d" / "tls.conf").write_text("\n".join(lines) + "\n")
    login = node.amqp_url.split("//")[1].rpartition("@")[0]
    config = load(
        {
            "RABBITMQ_URL": f"amqps://{login}@localhost:{amqps}",
            "RABBITMQ_MANAGEMENT_URL": f"https://{login}@localhost:{https}",
            "RABBITMQ_CA_FILE": certificates.file("ca.pem"),
            "RABBITMQ_CERT_FILE": certificates.file("client.pem"),
            "RABBITMQ_KEY_FILE": certificates.file("client.key"),
        }
    )["default"]
    own_nodes.shared["tls_broker"] = node
    yield node, replace(config, timeout_s=5.0)
    node.stop(timeout=0)


@pytest.fixture
def tls_broker(tls_node: tuple[Node, BrokerConfig]) -> BrokerConfig:
    """A broker that is spoken to over TLS as `localhost`, with a client certificate. It runs."""
    node, config = tls_node
    node.start()
    node.wait()
    return config


WRONG: dict[str, tuple[dict[str, str | None], str]] = {
    "foreign authority": ({"ca_file": "foreign.pem"}, "no authority that is trusted here (ca_file) vouches"),
    "system authorities": ({"ca_file": None}, "no authority that is trusted here (ca_file) vouches"),
    "no client certificate": (
        {"cert_file": None, "key_file": None},
        "client certificate (cert_file, key_file)",
    ),
    "a stranger's certificate": (
        {"cert_file": "stranger.pem", "key_file": "stranger.key"},
        "client certificate (cert_file",
    ),
    "another host name": ({"host": "127.0.0.1"}, "its certificate is for another host name"),
}
"""What is wrong with a configuration, by a name for it, and the words in which it is told.

OpenSSL hears of a client certificate that is missing or strange only after its own handshake; where the reset of
the connection overtakes that, the words name it as one of what may be wrong.
"""


def spoiled(config: BrokerConfig, certificates: Certificates, what: str) -> BrokerConfig:
    """Return `config` with what `WRONG[what]` says."""
    changes = dict(WRONG[what][0])
    host = changes.pop("host", None)
    files = {name: certificates.file(value) if value else None for name, value in changes.items()}
    found: BrokerConfig = replace(config, **files)  # type: ignore[arg-type]
    if host is None:
        return found
    return replace(
        found,
        amqp_url=found.amqp_url.replace("localhost", host),
        management_url=found.management_url.replace("localhost", host),
    )
