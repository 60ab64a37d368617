"""The Celery application: bulk operations and periodic upkeep. Started with `celery -A mqadmin.celery`.

A task is only a nudge. What is left to do stands in the database (`core.models.Operation`).
"""

from __future__ import annotations

import functools
import logging
import os
import signal
import ssl
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

from celery import Celery, signals

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
# Of a worker and of beat: they would load each page for it. `manage.py` looks, whenever it prepares something.
os.environ.setdefault("CELERY_SKIP_CHECKS", "true")

from django.conf import settings
from kombu.asynchronous import get_event_loop
from kombu.transport import pyamqp, resolve_transport
from kombu.utils.url import parse_url

from mqadmin import ending
from mqadmin.core.loglines import end_in_a_line
from mqadmin.given import Unusable
from mqadmin.rabbit import config as rabbit_config
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.telemetry import running

log = logging.getLogger(__name__)

VHOST = "mqadmin"
NUDGE_SECONDS = 1
UNUSABLE = "amqp://127.0.0.1:1//"  # refuses at once: better than Celery's default, somebody else's broker


def broker_settings() -> dict[str, Any]:
    """Return Celery's broker: CELERY_BROKER_URL, else the vhost `mqadmin` of the first configured broker."""
    if settings.CELERY_BROKER_URL:
        _refuse_unknown(settings.CELERY_BROKER_URL)
        return {"broker_url": settings.CELERY_BROKER_URL}
    try:
        configs = rabbit_config.load(os.environ, settings.MQADMIN_BROKERS_FILE or None)
    except ConfigurationError as error:
        log.error("Celery has no broker: %s", error)
        configs = {}
    if not configs:
        return {"broker_url": UNUSABLE}
    first = next(iter(configs.values()))
    # kombu parts several hosts by ";" and tries them in turn.
    url = ";".join(first.amqp_urls(VHOST))
    return {"broker_url": url, **({"broker_use_ssl": _tls(first)} if first.is_tls else {})}


def _refuse_unknown(urls: str) -> None:
    """Raise Unusable for a broker that Celery could only answer with a traceback."""
    for url in urls.split(";"):
        scheme = url.partition("://")[0] if "://" in url else ""
        try:
            parse_url(url)
            resolve_transport(scheme or "?")
        except (ValueError, KeyError, ImportError):
            raise Unusable(
                "CELERY_BROKER_URL cannot be used: it looks like amqp://user:password@host:5672/vhost. "
                "In a password write '/' as %2F, '@' as %40, '#' as %23."
            ) from None


def _require_database(**_signal: Any) -> None:
    """End a worker whose tables are of another version; imported late, as the apps are not there yet."""
    from mqadmin.core import database

    database.require(wait=True)


def _tell_as(role: str) -> Callable[..., None]:
    """Return a receiver that has a process send its spans and log lines, if that is wanted."""
    return lambda **_signal: running.start(role)


def _stop_telling(**_signal: Any) -> None:
    """Send what is left of them."""
    running.stop()


def _say_that_beat_sends(**_signal: Any) -> None:
    """Have beat say that it is there for as long as it tries to send something every few seconds."""
    from mqadmin.core.acts import signs

    sent = threading.Event()
    signals.before_task_publish.connect(lambda **_sent: sent.set(), weak=False)

    def has_sent() -> bool:
        was_set = sent.is_set()
        sent.clear()
        return was_set

    signs.Sign(signs.BEAT, has_sent).start()


def _end_once(**_signal: Any) -> None:
    """Have beat end at the first signal: a second one, while Python ends, would be told as a traceback."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, functools.partial(_ending, signal.getsignal(number)))


def _ending(handler: Any, number: int, frame: FrameType | None) -> None:
    for other in (signal.SIGTERM, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    running.stop()
    if callable(handler):
        handler(number, frame)
    raise SystemExit


def send_now(name: str, *args: Any) -> None:
    """Send the task `name` over a connection of its own, within about 2 s. Raises what kombu raises.

    Not the pooled one: that would try for ever when the broker is gone, and stay broken when it is back.
    """
    with app.connection_for_write() as connection:
        connection.connect_timeout = NUDGE_SECONDS
        connection.ensure_connection(max_retries=0, timeout=NUDGE_SECONDS)
        app.send_task(name, args=args, connection=connection, retry=False)


def _tls(config: BrokerConfig) -> dict[str, Any]:
    files = {"ca_certs": config.ca_file, "certfile": config.cert_file, "keyfile": config.key_file}
    return {
        "cert_reqs": ssl.CERT_REQUIRED if config.verify else ssl.CERT_NONE,
        # With None, the name that a certificate must be for is that of the host in turn: see `_named`.
        "server_hostname": config.host if len(config.endpoints) == 1 else None,
        **{name: value for name, value in files.items() if value},
    }


def _named(transport: pyamqp.Transport) -> Any:
    """Connect, and check the certificate for the host in turn.

    kombu puts the first host's name into settings that all hosts share, so the second one's certificate would
    have to be for the first.
    """
    client: Any = transport.client
    shared = client.ssl
    if isinstance(shared, dict) and shared.get("server_hostname", "") is None:
        client.ssl = {**shared, "server_hostname": client.hostname}
    try:
        return _establish(transport)
    finally:
        client.ssl = shared


def _prefetch_per_consumer(_transport: pyamqp.Transport, _connection: Any) -> bool:
    """Have workers ask for a prefetch per consumer; per channel ("global QoS") RabbitMQ 4 deprecates."""
    return True


def _wake(**_signal: Any) -> None:
    """Have a worker that is told to stop notice it now, not when its next timer fires, seconds later.

    Called in a signal handler, which must not take the loop's lock: a thread does.
    """
    loop = get_event_loop()
    if loop is not None:
        threading.Thread(target=loop.call_soon, args=(int,), daemon=True).start()


_establish = pyamqp.Transport.establish_connection
pyamqp.Transport.establish_connection = _named  # type: ignore[method-assign,assignment]
pyamqp.Transport.qos_semantics_matches_spec = _prefetch_per_consumer  # type: ignore[method-assign,assignment]
app = Celery("mqadmin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(broker_settings())
app.autodiscover_tasks()
ending.install()
# In a container, and where somebody only tries mqadmin, everything runs as root: said of one it is only noise.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
signals.worker_init.connect(_require_database)
signals.worker_init.connect(_tell_as("worker"), weak=False)
signals.worker_process_init.connect(_tell_as("worker"), weak=False)  # of a pool of processes, each
signals.worker_shutdown.connect(_stop_telling)
signals.beat_init.connect(_tell_as("beat"), weak=False)
signals.beat_init.connect(end_in_a_line)
signals.beat_init.connect(_say_that_beat_sends)
signals.beat_init.connect(_end_once)
signals.worker_shutting_down.connect(_wake)
