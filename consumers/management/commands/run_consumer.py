"""Run one consumer in this process: under the supervisor, in a terminal, systemd or a container."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import connection

from consumers import collecting, reporting, specs, terminal
from consumers.claims import HandledClaims
from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess
from consumers.recording import RecordSink
from consumers.runtime import process
from consumers.runtime.sink import Wish
from consumers.supervisor import states
from consumers.suspects import SuspectMemory
from mqadmin.rabbit.errors import ConfigurationError

log = logging.getLogger("mqadmin.consumer")

_EPILOG = """\
Without --process this is a consumer started by hand, by systemd or in a container: no supervisor starts it
again, and it is one more process beside those of supervisors. SIGTERM or Ctrl-C ends it in order: it takes no
more, finishes what is in hand and exits; a second one ends it at once, and what was in hand comes back.

Pause, resume and stop on its page reach it. A consumer that is stopped there is not run, unless --run says so.
Where something else decides what runs, leave it stopped in mqadmin, so that no supervisor takes it, and start
it with --run:

    ExecStart=/opt/mqadmin/.venv/bin/python manage.py run_consumer orders --run
    Restart=on-failure
    RestartPreventExitStatus=3
    TimeoutStopSec=40           (its stop time, 30 s by default, and some more)

exit code  0   stopped as asked
           3   it cannot run as it is defined: starting it again would not help
          75   it ended itself to be started anew (a handler hung)
       other   it crashed
"""


class _Formatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keep the lines of the epilog."""


class Command(BaseCommand):
    help = "Run one defined consumer in this process until SIGTERM or SIGINT."
    requires_system_checks: list[str] = []  # a process must be consuming within two seconds

    def add_arguments(self, parser: CommandParser) -> None:
        parser.formatter_class = _Formatter
        parser.epilog = _EPILOG
        parser.add_argument("name", help="as it is called in mqadmin")
        parser.add_argument(
            "--run",
            action="store_true",
            help="run it although it is stopped in mqadmin, which stays as it is",
        )
        parser.add_argument("--verbose", action="store_true", help="say each message, and what handlers log")
        parser.add_argument("--process", type=int, help="the row that a supervisor made for this process")

    def handle(
        self, *_args: Any, name: str, process: int | None, run: bool, verbose: bool, **_options: Any
    ) -> None:
        consumer = Consumer.objects.filter(name=name).first()
        if consumer is None:
            known = ", ".join(Consumer.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"No consumer is called {name!r}. Defined: {known}.", returncode=3)
        is_stopped = consumer.desired == Consumer.Desired.STOPPED
        if process is None and is_stopped and not run:
            raise CommandError(
                f"{name} is stopped in mqadmin. Start it on its page, and its supervisor runs it; or run it here "
                f"and leave it stopped there: manage.py run_consumer {name} --run",
                returncode=3,
            )
        try:
            row = reporting.introduce(consumer, process)
        except ConsumerProcess.DoesNotExist:
            # The supervisor gave up on this process while it started: there is nothing left to run.
            raise CommandError(f"{name} no longer waits for process {process}.", returncode=0) from None
        if process is None:
            sys.exit(run_by_hand(consumer, row, verbose=verbose))
        sys.exit(run_consumer(consumer, row, reporting.ProcessReporter(row)))


def run_by_hand(consumer: Consumer, row: ConsumerProcess, *, verbose: bool) -> int:
    """Run `consumer` in this process, say what happens, and return its exit code."""
    terminal.set_up(verbose=verbose)
    log.info(
        "consumer %s: queue %s in %s, handler %s",
        consumer.name,
        consumer.queue,
        consumer.vhost,
        consumer.handler,
    )
    return run_consumer(consumer, row, terminal.Teller(row), by_hand=True, verbose=verbose)


def run_consumer(
    consumer: Consumer,
    row: ConsumerProcess,
    reporter: reporting.ProcessReporter,
    *,
    by_hand: bool = False,
    verbose: bool = False,
) -> int:
    """Run `consumer` in this process and return its exit code. `by_hand`: by a person's word, who reads along."""
    try:
        work = _work(consumer, row, reporter, verbose)
    except (ConfigurationError, registry.HandlerError, registry.OptionsError, LookupError) as error:
        reporter.event("configuration", str(error))
        reporter.finish(str(error), failed=True)
        return process.CONFIGURATION
    connection.close()  # the threads open their own
    wish = _wishes(consumer, work.wish) if by_hand else work.wish
    reporter.start(work.gauges, wish, work.redeliver)
    summaries = terminal.Summaries(work.gauges)
    if by_hand:
        summaries.start()
    try:
        code = work.run()
    except BaseException as error:
        reporter.event("crashed", f"{type(error).__name__}: {error}")
        reporter.finish(f"{type(error).__name__}: {error}", failed=True)
        raise
    if by_hand:
        summaries.stop()
        log.info("%s", terminal.words(work.gauges()))
    reporter.finish(work.gave_up or work.recycled or states.STOPPED_AS_ASKED, failed=bool(work.gave_up))
    return code


def _wishes(consumer: Consumer, wish: Callable[[Wish], None]) -> Callable[[Wish], None]:
    """Return `wish`; for a consumer that was stopped when it was run, deaf to "stopped" until that changes."""
    deaf = consumer.desired == Consumer.Desired.STOPPED

    def hear(wanted: Wish) -> None:
        nonlocal deaf
        deaf = deaf and wanted == "stopped"
        if not deaf:
            wish(wanted)

    return hear


def _work(
    consumer: Consumer, row: ConsumerProcess, reporter: reporting.ProcessReporter, verbose: bool
) -> process.Process:
    handler = registry.get(consumer.handler)
    if handler.kind == "collect":
        return process.collect(specs.spec(consumer), collecting.sink(consumer), reporter)
    place = registry.Place(consumer.name, consumer.broker, consumer.vhost, consumer.queue)
    bound = registry.bind(handler, consumer.options, place)
    mine = {"consumer_id": consumer.pk, "process_id": row.pk}
    sink = RecordSink(consumer, row.pk)
    return process.handle(
        specs.spec(consumer),
        bound,
        terminal.Loud(sink) if verbose else sink,
        reporter,
        SuspectMemory(**mine),
        HandledClaims(**mine, window=consumer.dedupe_seconds),
    )
