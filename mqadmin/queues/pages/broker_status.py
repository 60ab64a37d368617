"""How well mqadmin sees a broker right now: sampled, stale, unreachable, never sampled; in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin import place
from mqadmin.core import brokers
from mqadmin.core.hooks import Freshness
from mqadmin.core.pages.once import once
from mqadmin.core.rows.prepared import Prepared
from mqadmin.core.tones import Tone
from mqadmin.queues.models import Broker
from mqadmin.queues.pages import tones
from mqadmin.rabbit.errors import ConfigurationError, RabbitError

Level = Literal["ok", "stale", "down", "never"]
STALE_SAMPLES = 5


@dataclass(frozen=True)
class BrokerStatus:
    """`title` and `text` are empty while all is well; `detail` is RabbitMQ's or the network's own sentence."""

    level: Level
    broker: Broker | None
    title: str = ""
    text: str = ""
    detail: str = ""

    @property
    def at(self) -> datetime | None:
        """When the numbers on the page were true."""
        return self.broker.sampled_at if self.broker else None

    @property
    def ok(self) -> bool:
        return self.level == "ok"

    @property
    def tone(self) -> Tone:
        return tones.BROKER[self.level]


def stale_after() -> timedelta:
    """Return the age from which a sample is called stale."""
    return timedelta(seconds=max(20.0, STALE_SAMPLES * settings.MQADMIN_SAMPLE_SECONDS))


def status_of(slug: str, now: datetime | None = None) -> BrokerStatus:
    """Return how the broker `slug` is seen, from its row alone: no call to the broker."""
    return seen(next(iter(_row.objects(slug)), None), now)


_row: Prepared[Broker] = Prepared(
    lambda slug: Broker.objects.filter(slug=slug).order_by().defer("history", "definitions", "facts")
)


@once
def status_now(slug: str) -> BrokerStatus:
    """Return the same, once for a page."""
    return status_of(slug)


def seen(broker: Broker | None, now: datetime | None = None) -> BrokerStatus:
    """Return the same from a row that is read already, None for a broker that has none."""
    moment = now or timezone.now()
    if broker is None or (broker.sampled_at is None and broker.reachable is not False):
        text = _("The monitor has not sampled this broker. It runs with: %(command)s run_monitor") % {
            "command": place.COMMAND
        }
        return BrokerStatus("never", broker, _("Not sampled yet"), text)
    if broker.reachable is False:
        title, text = fault(broker.error_code)
        return BrokerStatus("down", broker, title, text, broker.error)
    if broker.sampled_at is None or moment - broker.sampled_at > stale_after():
        text = _(
            "The monitor stopped sampling. What is shown is the last sample. It runs with: %(command)s run_monitor"
        ) % {"command": place.COMMAND}
        return BrokerStatus("stale", broker, _("These numbers are old"), text)
    return BrokerStatus("ok", broker)


def live_fault(error: RabbitError) -> tuple[str, str, str]:
    """Return title, text and detail for an error met just now."""
    return (*fault(error.code), str(error))


def fault(code: str) -> tuple[str, str]:
    """Return what a fault of the management API means: a title, and what to do about it."""
    known = _refusals().get(code) or _conditions().get(code)
    return known or (_("The broker cannot be reached"), _("Its queues are shown as they were last seen."))


def is_refusal(code: str) -> bool:
    """Whether the broker answers, and refuses mqadmin's user."""
    return code in _refusals()


def _refusals() -> dict[str, tuple[str, str]]:
    """What the broker does not let its user do. Each names its own cure: a password is not a right."""
    may_not = _("The broker's user may not do this")
    return {
        "login_refused": (
            _("The broker refused the login"),
            _(
                "User name or password of the management API are wrong. Both come from brokers.toml or "
                "RABBITMQ_MANAGEMENT_URL."
            ),
        ),
        "tag_missing": (
            _("The broker's user lacks a tag"),
            _("Its password is right. The tag “monitoring” shows everything; an administrator gives it."),
        ),
        "local_user_only": (
            _("The broker's user may log in from the broker's machine only"),
            _("Its password is right. Make a user for mqadmin, with the tag “monitoring”."),
        ),
        "vhost_refused": (
            _("The broker's user may not see this virtual host"),
            _("Its password is right. It needs a permission there; an administrator gives it."),
        ),
        "access_refused": (
            may_not,
            _("Its password is right. It lacks a permission; an administrator gives it."),
        ),
    }


def _conditions() -> dict[str, tuple[str, str]]:
    """What else is known of a broker that does not answer as it should."""
    last_seen = _("Its queues are shown as they were last seen.")
    slow = (_("The broker is too slow to answer"), _("Its management API did not answer in time."))
    elsewhere = (
        _("The management API does not answer there"),
        _(
            "Something else answers at its address, or the management plugin is not enabled "
            "(rabbitmq-plugins enable rabbitmq_management)."
        ),
    )
    unusable = (
        _("The broker's configuration cannot be used"),
        _("Correct brokers.toml or the environment."),
    )
    odd = (_("The management API answered with an error"), last_seen)
    return {
        "stopping": (_("RabbitMQ is stopping"), last_seen),
        "api_absent": (_("RabbitMQ is starting or stopping"), last_seen),
        "unavailable": (_("RabbitMQ is starting or stopping"), last_seen),
        "management_unavailable": elsewhere,
        "bad_response": odd,
        "bad_request": odd,
        "not_found": odd,
        "timeout": slow,
        "connect_timeout": slow,
        "tls_failed": (_("The broker's certificate was not accepted"), _("Check ca_file and the host name.")),
        "configuration": unusable,
        "unknown_broker": unusable,
    }


def freshness(slug: str) -> Freshness:
    """Say how old the numbers of a broker are, for the page's head."""
    status = status_now(slug)
    if status.level == "never":
        return Freshness(status.tone, _("not sampled yet"))
    if status.level == "down":
        refuses = status.broker is not None and is_refusal(status.broker.error_code)
        if status.at is None:
            return Freshness(status.tone, _("access refused") if refuses else _("never reached"))
        words = _("access refused, seen {ago} ago") if refuses else _("unreachable, seen {ago} ago")
        return Freshness(status.tone, words, status.at)
    return Freshness(status.tone, _("sampled {ago} ago"), status.at)


def facts(slug: str) -> str:
    """Return the line under a broker's name: version and nodes, or what is wrong."""
    status = status_now(slug)
    if status.broker is None or not status.broker.version:
        return status.title
    if status.level == "down":
        return _("access refused") if is_refusal(status.broker.error_code) else _("unreachable")
    count = len(status.broker.nodes)
    if not count:  # they are not to be seen
        return status.broker.version
    nodes = _("1 node") if count == 1 else _("%(n)s nodes") % {"n": count}
    return f"{status.broker.version} · {nodes}"


def is_production(slug: str) -> bool:
    """Whether acts on this broker need a typed confirmation. An unreadable configuration counts as yes."""
    try:
        return brokers.environment(slug) == "production"
    except ConfigurationError:
        return True
