"""Run one consumer in this process: under the supervisor, in a terminal, systemd or a container."""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser, DjangoHelpFormatter
from django.db import connection

from consumers.handlers import registry
from consumers.models import Consumer, ConsumerProcess
from consumers.process import collectors, definition_spec, idle, printing, process_reporter, pulse, terminal
from consumers.process.record_sink import RecordSink
from consumers.process.suspects import SuspectNotes
from consumers.records.claims import HandledClaims
from consumers.runtime import process
from consumers.runtime.sink import Wish
from consumers.runtime.spec import ConsumerSpec
from consumers.runtime.tracing import Tracing
from consumers.supervisor.machine import states
from mqadmin.core import database
from mqadmin.place import COMMAND
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.telemetry import running

log = logging.getLogger("mqadmin.consumer")

CRASHED = 1
LEAVE_S = 5.0  # seconds that handlers' threads and exit hooks may take after the last message is settled

_EPILOG = """\
Without --process this is a consumer started by hand, by systemd or in a container: no supervisor starts it
again, and it is one more process beside those of supervisors. SIGTERM or Ctrl-C ends it in order: it takes no
more, finishes what is in hand and exits; a second one ends it at once, and what was in hand comes back.

Pause, resume and stop on its page reach it. A consumer that is stopped there is not run, unless --run says so.
Where something else decides what runs, leave it stopped in mqadmin, so that no supervisor takes it, and start
it with --run.

Where a process that ended is always started again, as in containers, use --wait: while the consumer is stopped
(or not defined yet, or the database is away) it idles, and runs as soon as it is started on its page. --alive
names a file to probe: it is new while the process can work, whatever RabbitMQ and the database do.

deploy/systemd and deploy/kubernetes have both.

exit code  0   stopped as asked
           3   it cannot run as it is defined: starting it again would not help
          75   it ended itself to be started anew (a handler hung), or it may run once only and another process
               has it
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
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--run",
            action="store_true",
            help="run it although it is stopped in mqadmin, which stays as it is",
        )
        how.add_argument(
            "--wait", action="store_true", help="while it is stopped in mqadmin, wait instead of ending"
        )
        parser.add_argument("--verbose", action="store_true", help="say each message, and what handlers log")
        parser.add_argument("--alive", type=Path, metavar="FILE", help="touch it every 5 s while all is well")
        how.add_argument("--process", type=int, help="the row that a supervisor made for this process")

    def handle(
        self,
        *_args: Any,
        name: str,
        process: int | None,
        run: bool,
        wait: bool,
        verbose: bool,
        alive: Path | None,
        **_options: Any,
    ) -> None:
        printing.forgive()
        if wait:
            self._wait_and_run(name, verbose, alive)
        database.require()
        consumer = Consumer.objects.filter(name=name).first()
        if consumer is None:
            known = ", ".join(Consumer.objects.values_list("name", flat=True)) or "none"
            raise CommandError(f"No consumer is called {name!r}. Defined: {known}.", returncode=3)
        is_stopped = consumer.desired == Consumer.Desired.STOPPED
        if process is None and is_stopped and not run:
            raise CommandError(
                f"{name} is stopped in mqadmin. Start it on its page, and its supervisor runs it; or run it here "
                f"and leave it stopped there: {COMMAND} run_consumer {name} --run",
                returncode=3,
            )
        try:
            row = process_reporter.introduce(consumer, process)
        except ConsumerProcess.DoesNotExist:
            # The supervisor gave up on this process while it started: there is nothing left to run.
            raise CommandError(f"{name} no longer waits for process {process}.", returncode=0) from None
        except process_reporter.Held as error:
            text = f"{name} is not started: {error}. Stop that one first; or wait for its end, with --wait."
            raise CommandError(text, returncode=states.EXIT_RECYCLED) from None
        if process is None:
            terminal.set_up(verbose=verbose)
            sys.exit(run_by_hand(consumer, row, verbose=verbose, alive=alive))
        sys.exit(run_consumer(consumer, row, process_reporter.ProcessReporter(row), alive=alive))

    def _wait_and_run(self, name: str, verbose: bool, alive: Path | None) -> NoReturn:
        """Run it while it is wanted, wait while it is not, until a signal or an end of another kind."""
        terminal.set_up(verbose=verbose)
        while True:
            consumer = idle.until_wanted(name, partial(pulse.touch, alive) if alive else lambda: None)
            if consumer is None:
                sys.exit(process.STOPPED)
            with contextlib.suppress(process_reporter.Held):  # another was faster: waited for as well
                row = process_reporter.introduce(consumer, None)
                break
        sys.exit(run_by_hand(consumer, row, verbose=verbose, alive=alive, wait=True))


def _begin_anew() -> NoReturn:
    """Run the same command line again, in a process as fresh as the first."""
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606


def run_by_hand(
    consumer: Consumer,
    row: ConsumerProcess,
    *,
    verbose: bool,
    alive: Path | None = None,
    wait: bool = False,
) -> int:
    """Run `consumer` in this process, say what happens, and return its exit code."""
    log.info(
        "consumer %s: queue %s in %s, handler %s",
        consumer.name,
        consumer.queue,
        consumer.vhost,
        consumer.handler,
    )
    reporter = terminal.Teller(row)
    return run_consumer(consumer, row, reporter, by_hand=True, verbose=verbose, alive=alive, wait=wait)


def run_consumer(
    consumer: Consumer,
    row: ConsumerProcess,
    reporter: process_reporter.ProcessReporter,
    *,
    by_hand: bool = False,
    verbose: bool = False,
    alive: Path | None = None,
    wait: bool = False,
) -> int:
    """Run `consumer` in this process and return its exit code. `by_hand`: by a person's word, who reads along.

    `alive`: a file to touch while the process can work. `wait`: begin anew, instead of returning, when it was
    stopped on its page.
    """
    running.start("consumer", **{"mqadmin.consumer": consumer.name, "mqadmin.vhost": consumer.vhost})
    try:
        work = _work(consumer, row, reporter, verbose)
    except (ConfigurationError, registry.HandlerError, registry.OptionsError, LookupError) as error:
        reporter.event("configuration", str(error))
        reporter.finish(str(error), failed=True)
        _stop_telling(consumer)
        _end_in_time(process.CONFIGURATION)
        return process.CONFIGURATION
    connection.close()  # the threads open their own
    work.last_words = reporter.finish
    wish = _wishes(consumer, work.wish) if by_hand else work.wish
    reporter.start(work.gauges, wish, work.redeliver, work.recycle_soon)
    if alive is not None:
        pulse.Pulse(alive, work.loop.add_callback_threadsafe).start()
    summaries = terminal.Summaries(work.gauges)
    if by_hand:
        summaries.start()
    try:
        code = work.run()
    except BaseException as error:
        _end_in_time(CRASHED)
        reporter.event("crashed", f"{type(error).__name__}: {error}")
        reporter.finish(f"{type(error).__name__}: {error}", failed=True)
        _stop_telling(consumer)
        raise
    if by_hand:
        summaries.stop()
        log.info("%s", terminal.words(work.gauges()))
    reporter.finish(work.gave_up or work.recycled or states.STOPPED_AS_ASKED, failed=bool(work.gave_up))
    _stop_telling(consumer)
    if wait and code == process.STOPPED and not work.signalled:
        _begin_anew()
    _end_in_time(code)
    return code


def _stop_telling(consumer: Consumer) -> None:
    """Send what is left of spans and log lines: for no longer than the consumer's own time to stop leaves room."""
    running.stop(min(running.STOP_S, consumer.stop_seconds / 4))


def _end_in_time(code: int) -> None:
    """See to it that the process ends: Python waits for threads that handlers left behind, for ever."""

    def end() -> None:
        left = [thread.name for thread in threading.enumerate() if not (thread.daemon or thread is main)]
        log.warning(
            "ended although handlers left behind what does not end: %s", ", ".join(left) or "exit hooks"
        )
        os._exit(code)

    main = threading.main_thread()
    timer = threading.Timer(LEAVE_S, end)
    timer.daemon = True
    timer.start()


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
    consumer: Consumer, row: ConsumerProcess, reporter: process_reporter.ProcessReporter, verbose: bool
) -> process.Process:
    handler = registry.get(consumer.handler)
    if handler.kind == "collect":
        return collectors.collect(consumer, reporter)
    place = registry.Place(consumer.name, consumer.broker, consumer.vhost, consumer.queue)
    bound = registry.bind(handler, consumer.options, place)
    mine = {"consumer_id": consumer.pk, "process_id": row.pk}
    sink = RecordSink(consumer, row.pk)
    running.offer()
    spec = definition_spec.spec(consumer)
    return process.handle(
        spec,
        bound,
        terminal.Loud(sink) if verbose else sink,
        reporter,
        SuspectNotes(**mine),
        HandledClaims(**mine, window=consumer.dedupe_seconds),
        _tracing(spec),
    )


def _tracing(spec: ConsumerSpec) -> Tracing | None:
    tracer = running.tracer()
    if tracer is None:
        return None
    from consumers.process.spans import Spans  # with OpenTelemetry, which others need not have

    return Spans(tracer, spec)
