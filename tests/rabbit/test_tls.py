"""R24: TLS to the broker, verified both ways, for AMQP and HTTP. A proxy ends the TLS before the broker."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import NoResponse
from mqadmin.rabbit.management import ManagementClient
from mqadmin.rabbit.publisher import Outgoing, Publisher
from tests.rabbit.proxy import Proxy

pytestmark = pytest.mark.broker


@dataclass(frozen=True)
class Certificates:
    """PEM files: an authority, a server it vouches for by `localhost`, a client, and a foreign authority."""

    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / name)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for authority in ("ca", "foreign"):
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={authority}", "-days", "2",
                "-keyout", f"{authority}.key", "-out", f"{authority}.pem")  # fmt: skip
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost\n")
    (folder / "client.ext").write_text("subjectAltName=DNS:client\n")
    for name in ("server", "client"):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")  # fmt: skip
    return Certificates(folder)


@pytest.fixture
def over_tls(broker_config: BrokerConfig, certificates: Certificates) -> Iterator[BrokerConfig]:
    """The broker behind TLS that wants a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.file("server.pem"), certificates.file("server.key"))
    context.load_verify_locations(certificates.file("ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    http_host, _, http_port = broker_config.management_base.removeprefix("http://").partition(":")
    login = broker_config.amqp_url.split("//")[1].rpartition("@")[0]
    with (
        Proxy(broker_config.host, broker_config.port, context) as amqp_proxy,
        Proxy(http_host, int(http_port), context) as http_proxy,
    ):
        yield replace(
            broker_config,
            amqp_url=f"amqps://{login}@localhost:{amqp_proxy.port}",
            management_url=f"https://{login}@localhost:{http_proxy.port}",
            ca_file=certificates.file("ca.pem"),
            cert_file=certificates.file("client.pem"),
            key_file=certificates.file("client.key"),
            timeout_s=3.0,
        )


def test_both_doors_work_with_verified_certificates(
    over_tls: BrokerConfig, management: ManagementClient, vhost: str
) -> None:
    management.declare_queue(vhost, "q")
    publisher = Publisher(over_tls, vhost)
    assert publisher.publish_batch([Outgoing("", "q", b"x" * 300_000)] * 20)[-1].ok
    publisher.close()
    client = ManagementClient(over_tls)
    assert client.queue(vhost, "q").info.name == "q"
    client.close()
    assert amqp.purge(over_tls, vhost, "q") == 20


@pytest.mark.parametrize(
    "wrong",
    [
        {"ca_file": "foreign.pem"},
        {"ca_file": None},
        {"cert_file": None, "key_file": None},
        {"host": "127.0.0.1"},
    ],
    ids=["foreign authority", "system authorities", "no client certificate", "another host name"],
)
def test_what_does_not_verify_is_not_spoken_to(
    over_tls: BrokerConfig, certificates: Certificates, wrong: dict[str, str | None], vhost: str
) -> None:
    wrong = dict(wrong)
    host = wrong.pop("host", None)
    files = {name: certificates.file(value) if value else None for name, value in wrong.items()}
    config = replace(over_tls, **files)  # type: ignore[arg-type]
    if host:
        config = replace(
            config,
            amqp_url=config.amqp_url.replace("localhost", host),
            management_url=config.management_url.replace("localhost", host),
        )
    with pytest.raises(NoResponse):
        ManagementClient(config).whoami()
    with pytest.raises(NoResponse):
        amqp.purge(config, vhost, "q")
    verdict = Publisher(config, vhost).publish_batch([Outgoing("", "q", b"")])[0]
    assert (verdict.reason, verdict.unknown) == ("connection_lost", False)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_verification_can_be_turned_off(over_tls: BrokerConfig) -> None:
    ManagementClient(replace(over_tls, ca_file=None, verify=False)).whoami()
    with amqp.channel(replace(over_tls, ca_file=None, verify=False), "/"):
        pass
