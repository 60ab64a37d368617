"""What all tests share: a scratch folder, a database file in it, and a real RabbitMQ for those that speak to one.

`amqp_url`, `management_url`, `broker_config`, `vhost`, `management`: the broker of this run.
`restartable_broker`: a node of the test's own, to stop, kill and start.
`tls_broker`: a node that is spoken to over TLS.
`process_environ`: the environment for mqadmin processes that work on the test's database.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import connections
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from deploy.screenshots import CHROMIUM_ARGUMENTS
from mqadmin.local import ports
from mqadmin.local.node import Node
from tests.rabbit.tls import certificates, tls_broker, tls_node  # noqa: F401
from tests.support import broker, order, own_nodes, waiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright
    from pytest_django import DjangoDbBlocker

    from mqadmin.rabbit.config import BrokerConfig
    from tests.support.management import Management

# A busy machine is no fault of the code: no property has a time in which it must hold.
hypothesis_settings.register_profile("mqadmin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("mqadmin")

_DIR_VARIABLE = "MQADMIN_TEST_DIR"
_NEEDS_BROKER = {"broker", "browser", "processes"}
_OWN_BROKER = {"restartable_broker", "tls_broker"}  # Debian's, whatever the run's broker is
_DATABASE = {"db", "transactional_db", "process_environ", "admin_client", "client"}


def pytest_configure(config: pytest.Config) -> None:
    """Give the run a scratch folder (xdist's workers inherit it) and keep it away from the user's `var`."""
    worker = getattr(config, "workerinput", {}).get("workerid", "main")
    if worker == "main":
        os.environ[_DIR_VARIABLE] = tempfile.mkdtemp(prefix="mqadmin-test-")
        waiting.measure()
    number = int(worker.removeprefix("gw")) if worker.startswith("gw") else 0
    os.environ[ports.SHARE_VARIABLE] = f"{number % 8}/8"
    var = _folder() / f"var-{worker}"
    (var / "static").mkdir(parents=True)
    os.environ["MQADMIN_VAR"] = str(var)
    settings.VAR_DIR = var
    settings.STATIC_ROOT = var / "static"
    # The pages' own files come straight from the source: no collectstatic before a test run.
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for name, alias in connections.settings.items():
        if alias["ENGINE"].endswith("sqlite3"):  # in a file, as threads and processes share it
            alias["TEST"]["NAME"] = str(var / f"{name}.sqlite3")
    if broker.named():
        broker.point_here(os.environ[broker.AMQP_VARIABLE], os.environ[broker.MANAGEMENT_VARIABLE])
    else:
        os.environ.update(broker.NOWHERE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which RabbitMQ the tests were pointed at: the same address may be a newer one's tomorrow."""
    if broker.named():
        terminalreporter.write_line(f"on {broker.version()}")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bodies by their place: compressed ones hold the time, and workers would collect different tests."""
    return argname if isinstance(val, bytes | bytearray) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """A test on a slow machine may take longer before it counts as stuck (see tests.support.waiting).

    What never speaks to the database is marked `any_database`, what brings a broker of its own `any_version`.
    Who is left by `-m` is put in order: the shares of the workers are those of what runs.
    """
    usual = float(config.getini("timeout"))
    for item in items:
        if item.get_closest_marker("django_db") is None and _DATABASE.isdisjoint(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.any_database)
        if not _OWN_BROKER.isdisjoint(item.fixturenames):  # type: ignore[attr-defined]
            item.add_marker(pytest.mark.any_version)
        own = item.get_closest_marker("timeout")
        seconds = float(own.args[0]) if own is not None and own.args else usual
        item.add_marker(pytest.mark.timeout(waiting.patient(seconds)), append=False)
    yield
    items[:] = order.long_first(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Stop a node that tests share where the next one uses it no more: what is left on it costs part of a core."""
    yield
    for fixture, node in own_nodes.shared.items():
        if _uses(item, fixture) and not _uses(nextitem, fixture):
            node.stop(timeout=0)


def _uses(item: pytest.Item | None, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the run started, once all workers are done."""
    if not hasattr(config, "workerinput") and _DIR_VARIABLE in os.environ:
        broker.stop_all(_folder())
        shutil.rmtree(_folder(), ignore_errors=True)


def _folder() -> Path:
    return Path(os.environ[_DIR_VARIABLE])


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The run's database, as pytest-django's fixture of this name gives it, in less time."""
    from tests.support import databases

    with ExitStack() as stack:
        with django_db_blocker.unblock():
            stack.enter_context(databases.prepared(_folder()))
        yield
        with django_db_blocker.unblock():
            stack.close()


@pytest.fixture(scope="session")
def _broker() -> None:
    """See to it that MQADMIN_TEST_AMQP_URL and MQADMIN_TEST_MANAGEMENT_URL name a broker that answers."""
    if not broker.named():
        node = broker.shared_node(_folder() / "shared")
        broker.point_here(node.amqp_url, node.management_url)


@pytest.fixture(scope="session", autouse=True)
def _broker_for_marked_tests(request: pytest.FixtureRequest) -> None:
    """Have the broker up before any fixture of a test that is marked as speaking to one."""
    if any(marker.name in _NEEDS_BROKER for item in request.session.items for marker in item.iter_markers()):
        request.getfixturevalue("_broker")


@pytest.fixture(autouse=True)
def _who_can_grant() -> None:
    """A process remembers who can grant rights: those of another test cannot."""
    from mqadmin.core import permissions

    permissions.forget()


@pytest.fixture(scope="session")
def amqp_url(_broker: None) -> str:
    """The AMQP address of the run's broker, with credentials."""
    return os.environ[broker.AMQP_VARIABLE]


@pytest.fixture(scope="session")
def management_url(_broker: None) -> str:
    """The management address of the run's broker, with credentials."""
    return os.environ[broker.MANAGEMENT_VARIABLE]


@pytest.fixture(scope="session")
def broker_config(amqp_url: str, management_url: str) -> BrokerConfig:
    """The run's broker as mqadmin knows it, under the slug `default`."""
    from mqadmin.rabbit.config import load

    return load({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})["default"]


@pytest.fixture
def management(broker_config: BrokerConfig) -> Iterator[Management]:
    """A client of the run's broker, closed after the test."""
    from tests.support.management import Management

    client = Management(broker_config)
    yield client
    client.close()


@pytest.fixture
def vhost(broker_config: BrokerConfig) -> Iterator[str]:
    """The name of an empty vhost that only this test uses; deleted after it."""
    from tests.support.vhosts import temporary_vhost

    with temporary_vhost(broker_config) as name:
        yield name


@pytest.fixture(scope="session")
def _own_node(worker_id: str) -> Iterator[Node]:
    folder = _folder() / f"restartable-{worker_id}"
    node = Node(folder, ports.pick(), ports.pick(), plugins=("rabbitmq_event_exchange",))
    (node.folder / "conf.d").mkdir(parents=True, mode=0o700)
    # Who publishes to which exchange: not kept unless one asks for it, and no test minds.
    (node.folder / "conf.d" / "rates.conf").write_text("management.rates_mode = detailed\n")
    own_nodes.shared["restartable_broker"] = node
    yield node
    node.stop(timeout=0)


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is allowed is really done: not on somebody's broker."""
    from mqadmin.core import brokers

    for name, url in broker.NOWHERE.items():
        monkeypatch.setenv(name, url)
    brokers.forget()
    yield
    brokers.forget()


@pytest.fixture
def restartable_broker(_own_node: Node) -> Node:
    """A private node, running, that the test may `stop`, `kill` and `start` (then `wait`)."""
    _own_node.start()
    _own_node.wait()
    return _own_node


@pytest.fixture(scope="session")
def _playwright() -> Iterator[tuple[Playwright, AbstractEventLoop]]:
    """Playwright and its event loop, which lives in this thread: it counts as running in tests of pages alone."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield playwright, loop
        asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def _browsers(_playwright: tuple[Playwright, AbstractEventLoop]) -> Iterator[list[Browser]]:
    """What runs of Chromium: one at most, which a test may end."""
    running: list[Browser] = []
    yield running
    asyncio._set_running_loop(_playwright[1])
    for browser in running:
        browser.close()
    asyncio._set_running_loop(None)


@pytest.fixture
def chromium(
    _playwright: tuple[Playwright, AbstractEventLoop],
    _browsers: list[Browser],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Browser]:
    """Debian's Chromium, headless: one for all tests of this process. Each makes contexts of its own in it, which
    know nothing of each other."""
    from playwright.sync_api import expect

    playwright, loop = _playwright
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # else Django refuses its ORM beside that loop
    expect.set_options(timeout=waiting.patient(10) * 1000)  # where a page names none itself
    asyncio._set_running_loop(loop)
    try:
        if not (_browsers and _browsers[0].is_connected()):
            path = shutil.which("chromium")
            assert path, "these tests need Debian's chromium"
            _browsers[:] = [playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)]
        (browser,) = _browsers
        yield browser
        for context in browser.contexts:
            context.close()
    finally:
        asyncio._set_running_loop(None)


@pytest.fixture
def process_environ(transactional_db: None, _broker: None) -> dict[str, str]:
    """The environment for `manage.py` and other processes of a test: its database, broker and folder."""
    database: dict[str, Any] = connections["default"].settings_dict
    url = settings.DATABASE_URL
    if database["ENGINE"].endswith("sqlite3"):
        url = f"sqlite:///{database['NAME']}"
    else:
        url = f"{url.partition('?')[0].rpartition('/')[0]}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "mqadmin.settings"}
