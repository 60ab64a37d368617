"""Run one consumer in this process: under the supervisor, in a terminal, systemd or a container."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from consumers import collecting, reporting, specs
from consumers.claims import HandledClaims
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess
from consumers.recording import RecordSink
from consumers.runtime import process
from consumers.supervisor import states
from consumers.suspects import SuspectMemory
from mqadmin.rabbit.errors import ConfigurationError


class Command(BaseCommand):
    help = "Run one defined consumer until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []  # a process must be consuming within two seconds

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--process", type=int, help="the row that a supervisor made for this process")

    def handle(self, *_args: Any, name: str, process: int | None, **_options: Any) -> None:
        consumer = Consumer.objects.filter(name=name).first()
        if consumer is None:
            raise CommandError(f"No consumer is called {name!r}.", returncode=3)
        if process is None and consumer.desired == Consumer.Desired.STOPPED:
            raise CommandError(
                f"{name} is stopped. Start it on its page, or set it running, and try again.", returncode=3
            )
        try:
            row = reporting.introduce(consumer, process)
        except ConsumerProcess.DoesNotExist:
            # The supervisor gave up on this process while it started: there is nothing left to run.
            raise CommandError(f"{name} no longer waits for process {process}.", returncode=0) from None
        sys.exit(run(consumer, row))


def run(consumer: Consumer, row: ConsumerProcess) -> int:
    """Run `consumer` in this process and return its exit code."""
    reporter = reporting.ProcessReporter(row)
    try:
        work = _work(consumer, row, reporter)
    except (ConfigurationError, registry.HandlerError, registry.OptionsError, LookupError) as error:
        reporter.event("configuration", str(error))
        reporter.finish(str(error), failed=True)
        return process.CONFIGURATION
    connection.close()  # the threads open their own
    reporter.start(work.gauges, work.wish, work.redeliver)
    try:
        code = work.run()
    except BaseException as error:
        reporter.event("crashed", f"{type(error).__name__}: {error}")
        reporter.finish(f"{type(error).__name__}: {error}", failed=True)
        raise
    reporter.finish(work.gave_up or work.recycled or states.STOPPED_AS_ASKED, failed=bool(work.gave_up))
    return code


def _work(consumer: Consumer, row: ConsumerProcess, reporter: reporting.ProcessReporter) -> process.Process:
    handler = registry.get(consumer.handler)
    if handler.kind == "collect":
        return process.collect(specs.spec(consumer), collecting.sink(consumer), reporter)
    place = registry.Place(consumer.name, consumer.broker, consumer.vhost, consumer.queue)
    bound = registry.bind(handler, consumer.options, place)
    mine = {"consumer_id": consumer.pk, "process_id": row.pk}
    return process.handle(
        specs.spec(consumer),
        bound,
        RecordSink(consumer, row.pk),
        reporter,
        SuspectMemory(**mine),
        HandledClaims(**mine, window=consumer.dedupe_seconds),
    )
