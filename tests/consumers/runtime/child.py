"""Starting and reading `tests.support.consumer_child`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from mqadmin.rabbit.config import BrokerConfig
from tests.support.waiting import patient, wait_until


class Child:
    """One consumer process working on `queue`; its records and states are read from files."""

    def __init__(self, config: BrokerConfig, folder: Path, **given: Any) -> None:
        self.records_file = folder / "records.jsonl"
        self.states_file = folder / "states.jsonl"
        given |= {"records": str(self.records_file), "states": str(self.states_file)}
        environ = {
            **os.environ,
            "RABBITMQ_URL": config.amqp_url,
            "RABBITMQ_MANAGEMENT_URL": config.management_url,
        }
        environ.pop("MQADMIN_BROKERS_FILE", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.consumer_child", json.dumps(given)],
            env=environ,
            stdin=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_args: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def records(self) -> list[dict[str, Any]]:
        return _lines(self.records_file)

    def states(self) -> list[dict[str, Any]]:
        return _lines(self.states_file)

    def wait_records(self, count: int, timeout: float = 15) -> list[dict[str, Any]]:
        try:
            wait_until(lambda: len(self.records()) >= count, timeout, what=f"{count} records")
        except AssertionError as error:
            raise AssertionError(f"{error}; records {self.records()}, states {self.states()}") from None
        return self.records()

    def wait_state(self, state: str, times: int = 1) -> None:
        def seen() -> bool:
            return sum(line.get("state") == state for line in self.states()) >= times

        wait_until(seen, 15, what=f"state {state}, have {self.states()}")

    def wait_event(self, kind: str) -> None:
        wait_until(lambda: any(line.get("event") == kind for line in self.states()), 15, what=f"event {kind}")

    def gauges(self) -> dict[str, Any]:
        """Ask for the gauges and return them."""
        known = len([line for line in self.states() if "gauges" in line])
        self.wish("gauges")

        def told() -> list[dict[str, Any]]:
            return [line["gauges"] for line in self.states() if "gauges" in line][known:]

        return wait_until(told, 10, what="the gauges")[-1]

    def wish(self, word: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def stop(self, timeout: float = 15) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patient(timeout))


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]
