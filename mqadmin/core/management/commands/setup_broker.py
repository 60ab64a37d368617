"""Check that the configured brokers can be used, and make the vhost that Celery works in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mqadmin.celery import VHOST
from mqadmin.core import brokers
from mqadmin.rabbit import amqp
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import (
    ConfigurationError,
    ManagementUnavailable,
    NoResponse,
    NotFound,
    RabbitError,
    Refused,
)
from mqadmin.rabbit.management_api.client import ManagementClient


class Command(BaseCommand):
    """One plain line per finding. When no broker can be used, it ends with a sentence and exit code 1."""

    help = "Check every configured broker, and make the vhost for Celery on the first one."

    def handle(self, *_args: Any, verbosity: int = 1, **_options: Any) -> None:
        """Raise CommandError with what is wrong and what helps. `verbosity` 0: say only what is not well."""
        self._says_all = verbosity > 0
        try:
            configs = brokers.configs()
        except ConfigurationError as error:
            raise CommandError(str(error)) from None
        if not configs:
            raise CommandError(
                "No broker is configured. Set RABBITMQ_URL, or name a file in MQADMIN_BROKERS_FILE."
            )
        unusable = self._unusable(configs.values())
        if len(unusable) == len(configs):
            raise CommandError(next(iter(unusable.values())))
        for advice in unusable.values():
            self.stdout.write(advice)
        first = next(iter(configs.values()))
        if first.slug in unusable:
            self.stdout.write(
                f"{first.slug}: background work runs over this broker, and waits until it is back."
            )
        elif not settings.CELERY_BROKER_URL or _vhost_of(settings.CELERY_BROKER_URL) == VHOST:
            self._make_vhost(first, brokers.client(first.slug))

    def _say(self, text: str) -> None:
        if self._says_all:
            self.stdout.write(text)

    def _unusable(self, configs: Iterable[BrokerConfig]) -> dict[str, str]:
        """Return what is wrong, and what helps, by broker."""
        found = {}
        for config in configs:
            try:
                self._check(config, brokers.client(config.slug))
            except RabbitError as error:
                found[config.slug] = _advice(config, error)
        return found

    def _check(self, config: BrokerConfig, client: ManagementClient) -> None:
        with amqp.channel(config, config.default_vhost, client_name="mqadmin set-up"):
            pass
        try:
            overview = client.overview()
        except NotFound:
            raise ManagementUnavailable(
                f"What answers at {config.management_base} is not RabbitMQ's management API."
            ) from None
        user = client.whoami()
        self._say(
            f"{config.slug}: {overview.product} {overview.version} at {config.address}, as {user.name}."
        )
        if overview.statistics_disabled:
            self.stdout.write(f"{config.slug}: its statistics are switched off: rates will be unknown.")
        if not user.sees_the_cluster:
            self.stdout.write(
                f"{config.slug}: {user.name} lacks the tag monitoring: nodes and foreign queues stay unseen."
            )
        if not client.exchanges():
            self.stdout.write(
                f"{config.slug}: {user.name} has no permission on any vhost: no queue will be seen."
            )

    def _make_vhost(self, config: BrokerConfig, client: ManagementClient) -> None:
        if any(vhost.name == VHOST for vhost in client.vhosts()):
            try:
                with amqp.channel(config, VHOST, client_name="mqadmin set-up"):
                    return
            except RabbitError:
                pass  # it is there, but not for this user: try to change that
        try:
            client.create_vhost(VHOST)
            client.set_permissions(VHOST, config.username)
            with amqp.channel(config, VHOST, client_name="mqadmin set-up"):
                self._say(f"{config.slug}: made the vhost {VHOST} for background work.")
        except RabbitError as error:
            raise CommandError(
                f"{config.slug}: the vhost {VHOST} for background work cannot be made: {error} "
                f"Have an administrator run: rabbitmqctl add_vhost {VHOST} && rabbitmqctl set_permissions "
                f'-p {VHOST} {config.username} ".*" ".*" ".*"  or set CELERY_BROKER_URL.'
            ) from None


def _vhost_of(url: str) -> str:
    """Return the vhost part of an AMQP address."""
    return url.partition("://")[2].partition("/")[2].partition("?")[0]


def _advice(config: BrokerConfig, error: RabbitError) -> str:
    """Return what is wrong and what helps, in one or two sentences."""
    if isinstance(error, ManagementUnavailable):
        return (
            f"{config.slug}: {error} If the management plugin is off, run: "
            "rabbitmq-plugins enable rabbitmq_management"
        )
    if isinstance(error, Refused) and error.code == "login_refused":
        return f"{config.slug}: {error} Check the user and its password."
    if isinstance(error, Refused):
        return (
            f"{config.slug}: {error} Its password is right; an administrator of the broker gives the right."
        )
    if isinstance(error, NoResponse):
        return (
            f"{config.slug}: {error} Is RabbitMQ running at {config.address}, and its management API at "
            f"{config.management_base}?"
        )
    return f"{config.slug}: {error}"
