"""`manage.py run_monitor`: sample every broker until SIGTERM or SIGINT."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin import resident
from mqadmin.core import brokers, database, hooks
from mqadmin.queues.monitor import monitor
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.telemetry import running

STOP_S = 8.0
SIGNALS = {signal.SIGTERM, signal.SIGINT}


class Command(BaseCommand):
    help = "Sample every broker: one list call per interval, rows that changed, verdicts."
    requires_system_checks: list[str] = []  # they import every page: 15 MB that it does without

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--interval", type=float, default=settings.MQADMIN_SAMPLE_SECONDS, help="seconds between samples"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            slugs = list(brokers.configs())
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        if not slugs:
            raise CommandError("No broker is configured: set RABBITMQ_URL or MQADMIN_BROKERS_FILE.")
        resident.keep_small(cache_kb=2_000)
        database.require(wait=True)
        running.start("monitor")
        # Blocked here and so in every thread started below; this thread takes them with sigwait. A handler
        # that sets an Event could deadlock with the very thread that waits for it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            self._run(slugs, options["interval"])
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)  # a blocked mask outlives even an exec

    def _run(self, slugs: list[str], interval: float) -> None:
        stop = threading.Event()
        try:
            threads = monitor.start(slugs, interval, stop)
            threads += hooks.monitor_threads(stop)
        except ConfigurationError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"monitor: sampling {', '.join(slugs)} every {interval:g} s")
        signal.sigwait(SIGNALS)
        stop.set()
        deadline = time.monotonic() + STOP_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        running.stop()
        self.stdout.write("monitor: stopped")
