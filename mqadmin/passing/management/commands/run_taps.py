"""`manage.py run_taps`: hold the taps. The monitor starts it when there are any, and it ends with the monitor."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from mqadmin import resident
from mqadmin.core import database
from mqadmin.passing.tapping import process
from mqadmin.telemetry import running


class Command(BaseCommand):
    help = "Hold the taps on queues and exchanges; the monitor starts it by itself."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--parent", type=int, default=None, help="end when this process is gone")
        parser.add_argument(
            "--idle", type=float, default=process.IDLE_S, help="seconds without taps, then it ends"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        stop = threading.Event()
        resident.keep_small(cache_kb=4_000)
        database.require(wait=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: _Stopping(stop).start())
        running.start("taps")
        process.Process(stop, parent=options["parent"], idle_s=options["idle"]).run()
        running.stop()


class _Stopping(threading.Thread):
    """Sets the event from a thread of its own: a handler that did could deadlock with who waits for it."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__(target=stop.set, daemon=True)
