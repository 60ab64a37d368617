"""Publish the demo's messages until SIGTERM or SIGINT."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consumers.demo import topology
from consumers.demo.producer import Producer
from consumers.supervisor.machine.wake import Wake
from mqadmin.core import brokers
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.rabbit.publishing.publisher import Publisher


class Command(BaseCommand):
    help = "Publish the demo's messages until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--broker", default="", help="the broker's name (default: the first)")

    def handle(self, *_args: Any, broker: str, **_options: Any) -> None:
        try:
            slug = broker or next(iter(brokers.configs()), "default")
            publisher = Publisher(brokers.config(slug), topology.VHOST, client_name="mqadmin demo producer")
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        wake = Wake()
        try:
            Producer(publisher).run(wake)
        finally:
            publisher.close()
