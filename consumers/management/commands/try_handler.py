"""The process in which `consumers.trying` runs a handler: a request on stdin, lines of JSON to a descriptor."""

from __future__ import annotations

import base64
import contextlib
import faulthandler
import json
import logging
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any, BinaryIO

import pika
from django.core.management.base import BaseCommand, CommandParser
from pika.spec import Basic

from consumers.handlers import registry
from consumers.runtime import outcome
from consumers.runtime.api import Delivery
from consumers.runtime.handling import running
from consumers.runtime.handling.logs import MessageLogHandler
from consumers.runtime.spec import RetryPolicy
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.rabbit.message import Properties

GRACE_S = 10  # past the limit, should nobody be left to end this process


class Command(BaseCommand):
    help = "Run a handler on one message, as the page “Try it” does. Not for people."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("descriptor", type=int, help="an open file descriptor for the result")

    def handle(self, *_args: Any, descriptor: int, **_options: Any) -> None:
        request = json.load(sys.stdin)
        faulthandler.enable()
        with contextlib.suppress(OSError):  # short of memory, the kernel shall choose this process
            Path("/proc/self/oom_score_adj").write_text("1000")
        with open(descriptor, "wb", buffering=0) as result:
            report = run(request, result)
            sys.stdout.flush()
            _tell(result, report)


def run(request: dict[str, Any], result: BinaryIO) -> dict[str, Any]:
    """Prepare the handler, say on `result` that it begins, run it and return what to say of it."""
    try:
        found = registry.get(request["handler"])
        if found.kind == "collect":
            return {"outcome": "not_run", "reason": f"{found.name} captures dead letters in windows."}
        place = registry.Place(**request["place"])
        work = registry.bind(found, request["options"], place)
    except (ConfigurationError, registry.HandlerError, registry.OptionsError) as error:
        return {"outcome": "not_run", "reason": str(error)}
    delivery = _delivery(request)
    logging.getLogger().addHandler(MessageLogHandler())
    limit = request["limit"]
    signal.alarm(math.ceil(limit) + GRACE_S)
    faulthandler.dump_traceback_later(limit)
    _tell(result, {})
    policies = _policies(request)
    if found.batch:
        [finished] = running.run_batch(work, [delivery], policies)
    else:
        finished = running.run(work, delivery, policies)
    faulthandler.cancel_dump_traceback_later()
    return {
        **_outcome(finished),
        "attempt": delivery.attempt,
        "duration_ms": finished.duration * 1000,
        "error_type": finished.error_type,
        "error": finished.error,
        "traceback": finished.traceback,
        "log": delivery.log_lines or [],
    }


def _policies(request: dict[str, Any]) -> running.Policies:
    connection = request["connection_retry"]
    return running.Policies(
        RetryPolicy(**request["retry"]), RetryPolicy(**connection) if connection is not None else None
    )


def _delivery(request: dict[str, Any]) -> Delivery:
    place = request["place"]
    method = Basic.Deliver(
        consumer_tag="mqadmin.try",
        delivery_tag=1,
        redelivered=request["redelivered"],
        exchange=request["exchange"],
        routing_key=request["routing_key"],
    )
    properties: pika.BasicProperties = Properties.from_json(request["properties"]).to_pika()
    body = base64.b64decode(request["body"])
    return Delivery(method, properties, body, queue=place["queue"], consumer=place["consumer"], generation=1)


def _outcome(finished: outcome.Finished) -> dict[str, Any]:
    match finished.outcome:
        case outcome.Retried(delay=delay):
            return {"outcome": "retried", "delay": delay}
        case outcome.DeadLettered(reason=reason):
            return {"outcome": "dead_lettered", "reason": reason}
        case _:
            return {"outcome": "acked"}


def _tell(result: BinaryIO, line: dict[str, Any]) -> None:
    left = memoryview(json.dumps(line).encode() + b"\n")
    while left:
        left = left[os.write(result.fileno(), left) :]
