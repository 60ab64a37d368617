"""The configured brokers, and the one client per process for each of them."""

from __future__ import annotations

import os
import threading

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mqadmin.core import patience
from mqadmin.core.rights import asking
from mqadmin.core.rights.rules import NONE
from mqadmin.rabbit import config as rabbit_config
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.publishing.publisher import Publisher, get_publisher

SESSION_KEY = "broker"
EVERY = "*"  # in an address: all brokers; no slug can be called so
EVERY_KEY = "every_broker"  # in the session: the lists show all brokers

_lock = threading.Lock()
_configs: dict[str, BrokerConfig] | None = None
_clients: dict[str, ManagementClient] = {}


def configs() -> dict[str, BrokerConfig]:
    """Return the configured brokers by slug, in the order they are written; read once per process.

    Of them those in which who asks may see anything. Raises ConfigurationError, each time until the configuration
    can be read; {} when there is none.
    """
    global _configs
    if _configs is None:
        _configs = rabbit_config.load(os.environ, settings.MQADMIN_BROKERS_FILE or None)
    who = asking.limited()
    if who is None:
        return _configs
    return {slug: config for slug, config in _configs.items() if who.rights.inside(slug) > NONE}


def config(slug: str) -> BrokerConfig:
    """Return one broker's configuration. Raises ConfigurationError, also for an unknown slug."""
    try:
        return configs()[slug]
    except KeyError:
        raise ConfigurationError(
            _("No broker is called “%(slug)s”.") % {"slug": slug}, code="unknown_broker"
        ) from None


def client(slug: str) -> ManagementClient:
    """Return this process's client for the management API of a broker; any thread may use it.

    Raises ConfigurationError.
    """
    found = config(slug)
    with _lock:
        if slug not in _clients:
            _clients[slug] = ManagementClient(found)
        return _clients[slug]


def for_page(slug: str) -> ManagementClient:
    """Return the client of a broker for what only shows: while the broker hangs it raises at once (`patience`).

    Acts take `client`: they try. Raises ConfigurationError; any thread may use it.
    """
    return client(slug).within(lambda: patience.asking(slug))


def publisher(slug: str, vhost: str) -> Publisher:
    """Return this process's publisher for one vhost of a broker; any thread may use it.

    Raises ConfigurationError; connects when it first publishes.
    """
    return get_publisher(config(slug), vhost)


def current(request: HttpRequest) -> str:
    """Return the slug of the broker a request is about: `?broker=`, else the session's, else the first.

    A slug given in the address is remembered in the session. Returns "" when no broker is configured.
    Raises ConfigurationError when the configuration cannot be read.
    """
    known = configs()
    asked = request.GET.get("broker", "")
    if asked in known:
        if request.session.get(SESSION_KEY) != asked:
            request.session[SESSION_KEY] = asked
        if EVERY_KEY in request.session:
            del request.session[EVERY_KEY]
        return asked
    remembered = request.session.get(SESSION_KEY, "")
    return remembered if remembered in known else next(iter(known), "")


def scope(request: HttpRequest) -> str:
    """Return what a list is to show: EVERY, or the slug of `current`.

    All brokers are shown where the address says so, and from then on until it names one. Where one is configured,
    it is that one. Raises ConfigurationError.
    """
    one = current(request)
    asked = request.GET.get("broker", "")
    if len(configs()) < 2 or asked == one:
        return one
    if asked == EVERY and EVERY_KEY not in request.session:
        request.session[EVERY_KEY] = True
    return EVERY if asked == EVERY or EVERY_KEY in request.session else one


def posted(request: HttpRequest) -> str:
    """Return what a dialog is about: what its form says, else what the list shows. Raises ConfigurationError."""
    given = request.POST.get("broker", "")
    is_known = given in configs() or (given == EVERY and len(configs()) > 1)
    return given if is_known else scope(request)


def within(scope: str) -> list[str]:
    """Return the slugs of the brokers of a scope. Raises ConfigurationError."""
    if scope == EVERY:
        return list(configs())
    return [scope] if scope else []


def titles() -> dict[str, str]:
    """Return slug -> title of the configured brokers. Raises ConfigurationError."""
    return {slug: config.title for slug, config in configs().items()}


def show(request: HttpRequest, slug: str) -> None:
    """Have the frame show the broker that this page is about, now and on the next pages.

    Does nothing for a broker that is not configured any more. Raises ConfigurationError.
    """
    # Only what changes is written: a page that only shows must not need to write.
    if slug in configs() and current(request) != slug:
        request.session[SESSION_KEY] = slug


def environment(slug: str) -> str:
    """Return "production", "staging", "development", or "" where the configuration does not say."""
    return config(slug).environment


def forget() -> None:
    """Drop configuration and clients: after a fork, or when a test changes the environment."""
    global _configs, _lock
    _lock = threading.Lock()  # another thread of the parent may have held the old one
    _configs = None
    _clients.clear()
    patience.forget()


os.register_at_fork(after_in_child=forget)
