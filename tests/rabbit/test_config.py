from __future__ import annotations

from pathlib import Path

import pytest

from mqadmin.rabbit.config import BrokerConfig, Endpoint, load
from mqadmin.rabbit.errors import ConfigurationError

SECRET = "p@ss/w#rd"
ENCODED = "p%40ss%2Fw%23rd"


def write(folder: Path, text: str) -> Path:
    path = folder / "brokers.toml"
    path.write_text(text)
    return path


def test_one_broker_from_the_environment() -> None:
    brokers = load(
        {
            "RABBITMQ_URL": f"amqp://al%40ice:{ENCODED}@rabbit:5673/my%2Fhost",
            "RABBITMQ_ENVIRONMENT": "staging",
        }
    )
    broker = brokers["default"]
    assert (broker.host, broker.port, broker.username) == ("rabbit", 5673, "al@ice")
    assert broker.auth() == ("al@ice", SECRET)
    assert broker.default_vhost == "my/host"
    assert broker.environment == "staging"
    assert broker.management_base == "http://rabbit:15672"


@pytest.mark.parametrize(
    ("url", "management"),
    [
        ("amqp://h", "http://h:15672"),
        ("amqps://u:p@h:1", "https://h:15671"),
        ("amqp://[::1]:5672/", "http://[::1]:15672"),
        ("amqps://u:p@h-1:1,h-2/v", "https://h-1:15671, https://h-2:15671"),
        ("amqp://h:5672,h:5673", "http://h:15672"),
    ],
)
def test_the_management_address_is_derived(url: str, management: str) -> None:
    assert load({"RABBITMQ_URL": url})["default"].management_base == management


@pytest.mark.parametrize(
    ("url", "endpoints"),
    [
        ("amqp://h", [("h", 5672)]),
        ("amqps://u:p@h-1,H-2:1/v", [("h-1", 5671), ("h-2", 1)]),
        ("amqp://u:p@h-1:5673, h-2 ,h-1:5673", [("h-1", 5673), ("h-2", 5672)]),
        ("amqp://[::1]:1,h,[::2]/v", [("::1", 1), ("h", 5672), ("::2", 5672)]),
        ("amqp://u:a,b@h-1,h-2", [("h-1", 5672), ("h-2", 5672)]),
    ],
)
def test_one_url_may_name_several_hosts(url: str, endpoints: list[tuple[str, int]]) -> None:
    broker = load({"RABBITMQ_URL": url})["default"]
    assert broker.endpoints == tuple(Endpoint(*endpoint) for endpoint in endpoints)
    assert (broker.host, broker.port) == endpoints[0]
    assert broker.address == ", ".join(map(str, broker.endpoints))


def test_every_host_has_the_one_login_and_vhost() -> None:
    broker = BrokerConfig(
        "a", "A", f"amqps://al%40ice:{ENCODED}@h-1,[::2]:5/v", "https://ops:x%2Fy@m-1:1,m-2/p/"
    )
    assert (broker.username, broker.default_vhost) == ("al@ice", "v")
    assert broker.amqp_urls("a/b") == (
        f"amqps://al%40ice:{ENCODED}@h-1:5671/a%2Fb",
        f"amqps://al%40ice:{ENCODED}@[::2]:5/a%2Fb",
    )
    parameters = broker.connection_parameters("v", endpoint=broker.endpoints[1])
    assert (parameters.host, parameters.port, parameters.credentials.password) == ("::2", 5, SECRET)
    assert parameters.ssl_options is not None
    assert parameters.ssl_options.server_hostname == "::2"
    nodes = broker.management_nodes()
    assert [node.management_base for node in nodes] == ["https://m-1:1/p", "https://m-2/p"]
    assert [node.auth() for node in nodes] == [("ops", "x/y")] * 2
    assert broker.management_base == "https://m-1:1/p, https://m-2/p"


def test_several_brokers_from_a_file_with_references(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [brokers.eu]
        title = "Europe"
        amqp_url = "$EU_URL"
        management_url = "http://ops:${OPS}@eu:15672/prefix/"
        environment = "production"
        timeout_s = 4
        [brokers.us]
        amqp_url = "amqp://u:${OPS}@us"
        title = "costs $$5"
        """,
    )
    brokers = load({"MQADMIN_BROKERS_FILE": str(path), "EU_URL": "amqp://a:b@eu", "OPS": SECRET})
    assert list(brokers) == ["eu", "us"]
    assert brokers["eu"].auth() == ("ops", SECRET)
    assert brokers["eu"].management_base == "http://eu:15672/prefix"
    assert brokers["eu"].timeout_s == 4
    assert brokers["us"].auth() == ("u", SECRET)
    assert brokers["us"].title == "costs $5"


def test_nothing_configured_is_no_broker() -> None:
    assert load({}) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1", "describes no broker"),
        ("[brokers.eu", "not valid TOML"),
        ("[brokers.eu]\ntitle='x'", "amqp_url is missing"),
        ("[brokers.eu]\namqp_url='amqp://h'\ncolour='red'", "unknown setting colour"),
        ("[brokers.eu]\namqp_url='$NOPE'", r"refers to \$NOPE, which is not set"),
        ("[brokers.eu]\namqp_url='http://h'", "must begin with amqp:// or amqps://"),
        ("[brokers.eu]\namqp_url='amqp://h?x=1'", "nothing after"),
        ("[brokers.eu]\namqp_url='amqp://h-1,'", "several hosts as"),
        ("[brokers.eu]\namqp_url='amqp://h-1,,h-2'", "several hosts as"),
        ("[brokers.eu]\namqp_url='amqp://h-1;h 2'", "several hosts as"),
        ("[brokers.eu]\namqp_url='amqp://h-1:0'", "several hosts as"),
        ("[brokers.eu]\namqp_url='amqp://h-1:x,h-2'", "not a valid URL"),
        ("[brokers.eu]\namqp_url='amqp://h-1,amqp://h-2'", "must be one URL.*host-1:port,host-2:port"),
        ("[brokers.eu]\namqp_url='amqp://h-1;amqp://h-2'", "must be one URL"),
        (
            "[brokers.eu]\namqp_url='amqp://h'\nmanagement_url='http://a,http://b'",
            "management_url must be one",
        ),
        ("[brokers.eu]\namqp_url=5", "must be text"),
        ("[brokers.eu]\namqp_url='amqp://h'\nverify='no'", "must be true or false"),
        ("[brokers.eu]\namqp_url='amqp://h'\ntimeout_s=true", "must be a number"),
        ("[brokers.eu]\namqp_url='amqp://h'\ntimeout_s=0", "more than 0"),
        ("[brokers.eu]\namqp_url='amqp://h'\nca_file='/nope.pem'", "is not a file"),
        ("[brokers.eu]\namqp_url='amqp://h'\nenvironment='prod'", "not one of production"),
        ("[brokers.EU]\namqp_url='amqp://h'", "lower-case"),
        ("brokers = 3", "describes no broker"),
        ("[brokers]\neu = 3", "must be a table"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load({}, write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load({}, tmp_path / "none.toml")


def test_no_message_and_no_repr_shows_a_password() -> None:
    broker = load({"RABBITMQ_URL": f"amqp://u:{ENCODED}@h"})["default"]
    assert "p%40" not in repr(broker)
    assert SECRET not in repr(broker)
    assert "p%40" not in repr(broker.management_nodes())


@pytest.mark.parametrize(
    "url",
    [
        "amqp://u:se@cret/w#rd@h:x",
        "amqp://u:secret@h-1,amqp://u:secret@h-2",
        "amqp://u:secret@h-1;amqp://u:secret@h-2",
        "amqp://u:secret/word@h-1,h-2",
        "amqp://u:secret@h-1,",
        "redis://u:secret@h-1",
    ],
)
def test_what_is_said_of_a_bad_url_does_not_repeat_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"RABBITMQ_URL": url})
    assert "cret" not in str(caught.value)
    assert "cret" not in repr(caught.value.__cause__)


def test_parameters_for_pika() -> None:
    broker = BrokerConfig("a", "A", "amqp://u:p%2F@h:9", "http://h:1", timeout_s=3)
    parameters = broker.connection_parameters(
        "v", heartbeat=7, client_name="test", client_properties={"k": 1}
    )
    assert (parameters.host, parameters.port, parameters.virtual_host) == ("h", 9, "v")
    assert parameters.credentials.password == "p/"
    assert parameters.heartbeat == 7
    assert parameters.ssl_options is None
    assert parameters.client_properties["connection_name"].startswith("test@")
    assert parameters.client_properties["k"] == 1


def test_amqps_verifies_by_default() -> None:
    parameters = BrokerConfig("a", "A", "amqps://h", "https://h").connection_parameters("/")
    assert parameters.ssl_options is not None
    assert parameters.ssl_options.context.check_hostname
    assert parameters.ssl_options.server_hostname == "h"
    assert parameters.port == 5671


def test_a_broken_certificate_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")
    broker = BrokerConfig("a", "A", "amqps://h", "https://h", ca_file=str(path))
    with pytest.raises(ConfigurationError, match="TLS files"):
        broker.connection_parameters("/")


def test_a_name_is_as_long_as_every_table_holds() -> None:
    """The columns `broker` and `slug` have 60 characters; PostgreSQL refuses one more."""
    assert BrokerConfig("a" * 60, "A", "amqp://h/", "http://h:1").slug == "a" * 60
    with pytest.raises(ConfigurationError, match="at most 60"):
        BrokerConfig("a" * 61, "A", "amqp://h/", "http://h:1")
