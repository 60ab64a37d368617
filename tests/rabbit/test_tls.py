"""R24: TLS to the broker, verified both ways, for AMQP and HTTP."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kombu import Connection

from mqadmin import celery
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ConfigurationError, NoResponse
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.rabbit.tls import WRONG, Certificates, spoiled
from tests.support.management import purge
from tests.support.vhosts import temporary_vhost

pytestmark = pytest.mark.broker


@pytest.fixture
def tls_vhost(tls_broker: BrokerConfig) -> Iterator[str]:
    with temporary_vhost(tls_broker) as name:
        yield name


def test_both_doors_work_with_verified_certificates(
    tls_broker: BrokerConfig,
    tls_vhost: str,
) -> None:
    client = ManagementClient(tls_broker)
    client.declare_queue(tls_vhost, "q")
    publisher = Publisher(tls_broker, tls_vhost)
    assert publisher.publish_batch([Outgoing("", "q", b"x" * 300_000)] * 20)[-1].ok
    publisher.close()
    assert client.queue(tls_vhost, "q").info.name == "q"
    client.close()
    assert purge(tls_broker, tls_vhost, "q") == 20


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_verify_is_not_spoken_to(
    tls_broker: BrokerConfig,
    certificates: Certificates,
    what: str,
) -> None:
    config = spoiled(tls_broker, certificates, what)
    words = WRONG[what][1]
    with pytest.raises(NoResponse) as over_http:
        ManagementClient(config).whoami()
    with pytest.raises(NoResponse) as over_amqp:
        purge(config, "/", "q")
    publisher = Publisher(config, "/")
    receipt = publisher.publish_batch([Outgoing("", "q", b"")])[0]
    publisher.close()
    assert (receipt.reason, receipt.unknown) == ("connection_lost", False)
    for text in (str(over_http.value), str(over_amqp.value), receipt.detail):
        assert words in text
        assert config.host in text
        assert "SSL" not in text
    assert over_http.value.code == "tls_failed"


def test_a_key_with_a_passphrase_is_refused_and_not_asked_for(
    tls_broker: BrokerConfig,
    certificates: Certificates,
) -> None:
    locked = certificates.file("locked.key")
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:x", "-in", certificates.file("client.key")]
    subprocess.run([*command, "-out", locked], check=True, capture_output=True)
    config = replace(tls_broker, key_file=locked)
    with pytest.raises(ConfigurationError, match="TLS files cannot be used"):
        purge(config, "/", "q")
    with pytest.raises(NoResponse, match=r"TLS handshake.* encrypted"):
        ManagementClient(config).whoami()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS")
def test_verification_can_be_turned_off(tls_broker: BrokerConfig) -> None:
    config = replace(tls_broker, ca_file=None, verify=False)
    ManagementClient(config).whoami()
    with amqp.channel(config, "/"):
        pass


def test_celery_checks_the_certificate_for_the_host_in_turn(
    tls_broker: BrokerConfig,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first host's name is not the certificate's; the second one's is, as is only seen when it is asked for."""
    at = tls_broker.endpoints[0]
    login = tls_broker.amqp_url.split("//")[1].rpartition("@")[0]
    both = replace(tls_broker, amqp_url=f"amqps://{login}@127.0.0.1:{at.port},localhost:{at.port}")
    options = celery._tls(both)
    with Connection(";".join(both.amqp_urls("/")), ssl=options, connect_timeout=5) as connection:
        connection.ensure_connection(max_retries=4, interval_start=0, interval_step=0)
        assert connection.connected
    for config, ok in ((tls_broker, True), (replace(both, amqp_url=both.amqp_url.split(",")[0]), False)):
        url = config.amqp_urls("/")[0]
        with Connection(url, ssl=celery._tls(config), connect_timeout=5) as connection:
            if ok:
                connection.connect()
            else:
                with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
                    connection.connect()
