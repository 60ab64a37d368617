"""A consumer process without Django: the runtime with a sink that appends JSON lines to a file.

    python -m tests.support.consumer_child '{"queue": ..., "vhost": ..., "handler": "by_body", ...}'

The handler "by_body" does what the body says: "ok", "fail", "reject", "retry", "refused", "sleep:0.5",
"spin:0.5", "exit", "log:text". With `batch` it takes a list: it fails as a whole for the body "fail all", returns
one result each when the list holds a "fail", and None otherwise.
The handler "misbehaving" is that of `tests.support.misbehaving_handlers`.
`die_after_commits` kills the process with SIGKILL right after that commit: before any ack of it is sent.
`store_gone`: a file; while it exists nothing can be committed. `claims_broken`: nothing can be claimed, for a
reason that nobody foresaw. `commit_waits_for`: a file; while it exists a commit that has begun does not end, and
`<file>.reached` says that one has begun. `resume_when_connected`: it is paused at first, and resumed in the instant
in which it is connected.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from consumers.runtime import process
from consumers.runtime.api import Delivery, Reject, Retry
from consumers.runtime.handling.dedupe import Claim
from consumers.runtime.outcome import Handled
from consumers.runtime.sink import Gauges, SinkUnavailable
from consumers.runtime.spec import ConsumerSpec, DeadLetterTarget, RetryPolicy
from mqadmin.rabbit.config import load
from tests.support import misbehaving_handlers


class FileSink:
    def __init__(self, path: str, die_after_commits: int, store_gone: str, waits_for: str) -> None:
        self.file = open(path, "a")  # noqa: SIM115
        self.left = die_after_commits
        self.store_gone = store_gone
        self.waits_for = waits_for

    def commit(self, outcomes: Sequence[Handled]) -> None:
        if self.store_gone and os.path.exists(self.store_gone):
            raise SinkUnavailable("the store is gone")
        while self.waits_for and os.path.exists(self.waits_for):
            open(f"{self.waits_for}.reached", "w").close()
            threading.Event().wait(0.05)
        for handled in outcomes:
            delivery = handled.delivery
            if handled.recorded:
                self.file.write(
                    json.dumps({"late": delivery.message_id, "ack_lost": handled.ack_lost}) + "\n"
                )
                continue
            line = {
                "id": delivery.message_id,
                "outcome": handled.outcome,
                "attempt": delivery.attempt,
                "redelivered": delivery.redelivered,
                "exchange": delivery.exchange,
                "routing_key": delivery.routing_key,
                "error_type": handled.error_type,
                "error": handled.error,
                "traceback": handled.traceback,
                "detail": handled.detail,
                "ack_lost": handled.ack_lost,
                "log": delivery.log_lines,
                "thread": threading.current_thread().name,
                "group": len(outcomes),
                "started_at": handled.started_at,
            }
            self.file.write(json.dumps(line) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class BrokenClaims:
    def claim(self, keys: Sequence[str]) -> list[Claim]:
        raise RuntimeError(f"no table of keys for {len(keys)}")


class FileReporter:
    def __init__(self, path: str) -> None:
        self.file = open(path, "a")  # noqa: SIM115
        self.on_connected: Callable[[], None] = lambda: None

    def _write(self, **line: Any) -> None:
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()

    def state(self, state: str, reason: str = "") -> None:
        self._write(state=state, reason=reason)

    def event(self, kind: str, text: str) -> None:
        self._write(event=kind, text=text)
        if kind == "connected":
            self.on_connected()

    def gauges(self, gauges: Gauges) -> None:
        self._write(gauges=asdict(gauges))


def by_body(delivery: Delivery) -> None:
    what, _, rest = delivery.text.partition(":")
    if what == "fail":
        raise RuntimeError(f"no luck with {delivery.message_id}")
    if what == "reject":
        raise Reject(rest or "not wanted")
    if what == "retry":
        raise Retry("later", delay=float(rest))
    if what == "refused":
        raise ConnectionRefusedError("nobody listens there")
    if what == "sleep":
        time.sleep(float(rest))
    if what == "spin":
        until = time.monotonic() + float(rest)
        while time.monotonic() < until:
            pass
    if what == "exit":
        raise SystemExit(9)
    if what == "log":
        delivery.log.warning("%s", rest)


def by_batch(deliveries: list[Delivery]) -> list[Exception | None] | None:
    bodies = [delivery.text for delivery in deliveries]
    for delivery in deliveries:
        delivery.log.warning("one of %d", len(deliveries))
    if "fail all" in bodies:
        raise RuntimeError("the whole batch failed")
    if "too few" in bodies:
        return []
    if "fail" not in bodies:
        return None
    return [RuntimeError("no luck") if body == "fail" else None for body in bodies]


def main() -> None:
    given = json.loads(sys.argv[1])
    retry = RetryPolicy(**given.get("retry", {}))
    target = given.get("dead_letter")
    spec = ConsumerSpec(
        name=given.get("name", "child"),
        broker=load(os.environ)["default"],
        vhost=given["vhost"],
        queue=given["queue"],
        host="test-host",
        retry=retry,
        dead_letter=DeadLetterTarget(*target) if target else None,
        connection_retry=RetryPolicy(**given["connection_retry"]) if "connection_retry" in given else None,
        is_batch=bool(given.get("batch")),
        **given.get("spec", {}),
    )
    sink = FileSink(
        given["records"],
        given.get("die_after_commits", 0),
        given.get("store_gone", ""),
        given.get("commit_waits_for", ""),
    )
    reporter = FileReporter(given["states"])
    handler = misbehaving_handlers.misbehave if given.get("handler") == "misbehaving" else by_body
    claims = BrokenClaims() if given.get("claims_broken") else None
    work = process.handle(spec, by_batch if spec.is_batch else handler, sink, reporter, claims=claims)

    def wishes() -> None:  # one word a line on standard input: paused, running, stopped, redeliver, gauges
        for line in sys.stdin:
            word = line.strip()
            if word == "redeliver":
                work.redeliver()
            elif word == "gauges":
                reporter.gauges(work.gauges())
            else:
                work.wish(word)  # type: ignore[arg-type]

    if given.get("resume_when_connected"):
        work.wish("paused")
        reporter.on_connected = lambda: work.wish("running")
    threading.Thread(target=wishes, daemon=True).start()
    sys.exit(work.run())


if __name__ == "__main__":
    main()
