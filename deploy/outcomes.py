"""Run pytest and write down how each test ended: what its exit code and its closing line do not say.

    .venv/bin/python -m deploy.outcomes FILE [PYTEST_ARGUMENT...]

Exit code and output are pytest's own. FILE is written at an orderly end only.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Outcomes:
    """How the tests of a run ended, by id, in the order in which they were collected.

    `failed` holds those that never came to their end as well; skipped ones are in no list. `broken` are modules
    (or workers) whose tests could not be collected.
    """

    passed: list[str]
    failed: list[str]
    broken: list[str]

    def write(self, path: Path) -> None:
        """Write them where `read` finds them."""
        path.write_text(json.dumps(vars(self)))


def read(path: Path) -> Outcomes | None:
    """Return what a run wrote; None when it came to no orderly end."""
    return Outcomes(**json.loads(path.read_text())) if path.exists() else None


class Watcher:
    """A pytest plugin of the process that is told of every test, which with xdist is not one of the workers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._collected: dict[str, None] = {}
        self._ended: set[str] = set()
        self._failed: set[str] = set()
        self._passed: set[str] = set()
        self._broken: dict[str, None] = {}

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._collected.update(dict.fromkeys(item.nodeid for item in session.items))

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._collected.update(dict.fromkeys(ids))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._broken[report.nodeid] = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of a test that took its worker with it xdist makes up one report, which fails and names no phase."""
        self._collected[report.nodeid] = None
        if report.failed:
            self._failed.add(report.nodeid)
        elif report.when == "call" and report.passed:
            self._passed.add(report.nodeid)
        if report.when == "teardown":
            self._ended.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        failed = [name for name in self._collected if name in self._failed or name not in self._ended]
        passed = [name for name in self._collected if name in self._passed.difference(failed)]
        Outcomes(passed, failed, list(self._broken)).write(self._path)


def main() -> int:
    """Run pytest with the arguments after FILE and return its exit code."""
    import pytest  # not for those who only `read`

    path, *arguments = sys.argv[1:]
    return int(pytest.main(arguments, plugins=[Watcher(Path(path))]))


if __name__ == "__main__":
    sys.exit(main())
