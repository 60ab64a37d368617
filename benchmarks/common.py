"""What all benchmarks share: a broker, a scratch folder, full queues, contenders in processes, the last line."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

from deploy import ROOT, packages
from mqadmin.local import node, ports
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.message import Message
from mqadmin.rabbit.publishing.publisher import Outgoing, Publisher
from tests.support.vhosts import temporary_vhost

AMQP_VARIABLE = "MQADMIN_TEST_AMQP_URL"
MANAGEMENT_VARIABLE = "MQADMIN_TEST_MANAGEMENT_URL"
_PUBLISH_SECONDS = 300.0
_SETTLE_SECONDS = 10.0


class BenchmarkError(Exception):
    """A figure that would not be true: a contender failed, or left messages behind."""


@dataclass(frozen=True)
class Bench:
    """Where a benchmark runs: a broker, a vhost and a folder of its own, all gone afterwards."""

    broker: BrokerConfig
    vhost: str
    folder: Path

    def environ(self, **more: str) -> dict[str, str]:
        """Return the environment for a process of mqadmin, or of a peer, that works here."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MQADMIN_")}
        return {
            **kept,
            "DJANGO_SETTINGS_MODULE": "mqadmin.settings",
            "MQADMIN_LOG_LEVEL": "WARNING",
            "MQADMIN_VAR": str(self.folder / "var"),
            "RABBITMQ_URL": self.broker.amqp_url,
            "RABBITMQ_MANAGEMENT_URL": self.broker.management_url,
            **more,
        }


@contextlib.contextmanager
def bench(plugins: tuple[str, ...] = ()) -> Iterator[Bench]:
    """Prepare all that a benchmark needs, and remove it at the end. `plugins`: of a private broker."""
    with scratch() as folder, broker(folder / "rabbitmq", plugins) as config, vhost(config) as name:
        print(_machine(config), flush=True)
        yield Bench(config, name, folder)


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder below `var`: on the disk mqadmin writes to, not in memory as /tmp may be.

    Below /var/tmp where root keeps `var` for itself: PostgreSQL's user could not get through.
    """
    parent = Path(os.environ.get("MQADMIN_VAR") or ROOT / "var")
    parent.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and not parent.stat().st_mode & 0o001:
        parent = Path("/var/tmp")  # noqa: S108 (a folder of its own is made there)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=parent.resolve()))
    folder.chmod(0o711)  # PostgreSQL's user has a folder in it
    (folder / "var").mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def broker(folder: Path, plugins: tuple[str, ...] = ()) -> Iterator[BrokerConfig]:
    """Yield the broker that MQADMIN_TEST_AMQP_URL and _MANAGEMENT_URL name, else a private node's."""
    amqp_url, management_url = os.environ.get(AMQP_VARIABLE), os.environ.get(MANAGEMENT_VARIABLE)
    if amqp_url and management_url:
        yield _config(amqp_url, management_url)
        return
    if node.program() is None:
        packages.install("rabbitmq-server")
    private = node.Node(folder, ports.pick(), ports.pick(), plugins=plugins)
    try:
        private.start()
        private.wait()
        yield _config(private.amqp_url, private.management_url)
    finally:
        private.stop(timeout=2)


def _config(amqp_url: str, management_url: str) -> BrokerConfig:
    return load({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})["default"]


def vhost(config: BrokerConfig) -> AbstractContextManager[str]:
    """Yield the name of an empty vhost, deleted at the end with all that is in it."""
    return temporary_vhost(config, "bench")


def _machine(config: BrokerConfig) -> str:
    client = ManagementClient(config)
    overview = client.overview()
    client.close()
    return (
        f"Python {platform.python_version()}, {overview.product} {overview.version}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f} at the start"
    )


# --- queues ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def channel(config: BrokerConfig, vhost: str) -> Iterator[BlockingChannel]:
    """Open a connection with one channel, closed at the end."""
    connection = pika.BlockingConnection(config.connection_parameters(vhost, client_name="benchmark"))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def declare(bench: Bench, queue: str) -> None:
    """Declare a durable classic queue."""
    with channel(bench.broker, bench.vhost) as opened:
        opened.queue_declare(queue, durable=True)


def fill(bench: Bench, messages: Sequence[Outgoing]) -> None:
    """Publish `messages`; returns once the broker has confirmed each. Raises BenchmarkError."""
    publisher = Publisher(bench.broker, bench.vhost)
    try:
        receipts = publisher.publish_batch(messages, timeout_s=_PUBLISH_SECONDS)
    finally:
        publisher.close()
    refused = next((receipt for receipt in receipts if not receipt.ok), None)
    if refused is not None:
        raise BenchmarkError(f"A message was not taken: {refused.detail or refused.reason}")


def take_all(bench: Bench, queue: str, count: int) -> list[Outgoing]:
    """Take `count` messages out of `queue`: as they were published, to publish them again."""
    taken: list[Outgoing] = []
    with channel(bench.broker, bench.vhost) as opened:
        for method, properties, body in opened.consume(queue, auto_ack=True, inactivity_timeout=10):
            if method is None or properties is None or body is None:
                raise BenchmarkError(f"{queue} holds {len(taken)} messages, {count} were expected.")
            message = Message.from_pika(method, properties, body)
            taken.append(Outgoing("", queue, message.body, message.properties))
            if len(taken) == count:
                break
        opened.cancel()
    return taken


def without_consumers(bench: Bench, queue: str) -> Any:
    """Return what a passive declare says of `queue`, once nobody consumes from it or that has lasted too long."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    with channel(bench.broker, bench.vhost) as opened:
        while True:
            found = opened.queue_declare(queue, passive=True).method
            if not found.consumer_count or time.monotonic() > deadline:
                return found
            time.sleep(0.02)


def check_empty(bench: Bench, queue: str) -> None:
    """Raise BenchmarkError unless `queue` is empty and nothing of it is unacked.

    Called when its consumer has ended: RabbitMQ returns what a closed channel had unacked to the queue in
    the same step that removes the consumer. So without consumers, ready messages are all there are.
    """
    found = without_consumers(bench, queue)
    if found.consumer_count or found.message_count:
        raise BenchmarkError(
            f"{queue} was left with {found.message_count} messages and {found.consumer_count} consumers."
        )


# --- contenders --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def child(
    bench: Bench, arguments: Sequence[str], environ: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python process; it and all it started are gone at the end.

    Its standard output is a pipe, its errors go to `bench.folder/errors.log`, which a failure quotes.
    """
    with (bench.folder / "errors.log").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run(
    bench: Bench, module: str, given: Mapping[str, Any], environ: Mapping[str, str], timeout: float = 600
) -> dict[str, Any]:
    """Run `python -m module` with `given` as JSON and return what its last line says. Raises BenchmarkError."""
    with child(bench, ["-m", module, json.dumps(given)], environ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"{module} {given} took over {timeout:g} s.\n{errors(bench)}") from None
    lines = output.strip().splitlines()
    if process.returncode or not lines:
        raise BenchmarkError(f"{module} {given} ended with {process.returncode}.\n{errors(bench)}")
    said: dict[str, Any] = json.loads(lines[-1])
    return said


def errors(bench: Bench) -> str:
    """Return the last lines that the last child wrote to its standard error."""
    return "\n".join((bench.folder / "errors.log").read_text(errors="replace").splitlines()[-20:])


def interleaved(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Yield (round, name): each name once a round, each round beginning with another."""
    for number in range(rounds):
        start = number % len(names)
        for name in (*names[start:], *names[:start]):
            yield number, name


# --- results -----------------------------------------------------------------------------------------------


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as aligned text; the first column to the left, the others to the right."""
    lines = [tuple(heads), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def spread(name: str, values: Sequence[float], form: str = ",.0f") -> tuple[str, str, str, str, str]:
    """Return a row for `table`: name, median, least, most, how many."""
    middle = statistics.median(values)
    return (name, f"{middle:{form}}", f"{min(values):{form}}", f"{max(values):{form}}", str(len(values)))


def last_line(
    name: str, ours: Mapping[str, float], peers: Mapping[str, float], ratio: Mapping[str, float]
) -> None:
    """Print the result as one JSON object: the last line of every benchmark."""
    result = {"name": name, "ours": _rounded(ours), "peers": _rounded(peers), "ratio": _rounded(ratio)}
    print(json.dumps(result), flush=True)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}
