"""Run tests as pytest does; those that failed run once more, alone and one after the other.

    .venv/bin/python -m deploy.twice [PYTEST_ARGUMENT...]

What fails again fails the run. What passes then is `flaky: NAME`: printed, and added to the file that MQADMIN_FLAKY
names. It is for CI, which judges a change: a flaky test is to be mended, but says nothing against the change.

Only failed tests have a second try. A module that cannot be collected, an interrupted run, an error of pytest's own
and more than MOST failures are no matter of the moment: they fail the run as they are.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy import outcomes
from deploy.outcomes import Outcomes

FLAKY_VARIABLE = "MQADMIN_FLAKY"
MOST = 20  # failures that may be the moment's; each may take as long as a test that is stuck
_PASSED, _FAILED = 0, 1  # pytest's exit codes; others mean that it did not run all tests


def main() -> int:
    """Run the tests; return 0 when each passed at the first or the second try, else pytest's exit code."""
    signal.signal(
        signal.SIGINT, lambda *_: None
    )  # Ctrl-C reaches pytest as well, which stops what it started
    code, first = _run(sys.argv[1:])
    if first is None:
        return _give_up(code, "pytest came to no orderly end")
    if code not in (_PASSED, _FAILED):
        return _give_up(code, f"pytest ended with exit code {code}")
    if first.broken:
        return _give_up(code, f"not all tests could be collected: {', '.join(first.broken)}")
    if not first.failed:
        return code if code == _PASSED else _give_up(code, "pytest failed, and none of the tests")
    if len(first.failed) > MOST:
        return _give_up(code, f"{len(first.failed)} tests failed, more than {MOST}")
    return _again(first.failed)


def _again(names: list[str]) -> int:
    """Run the named tests in one process and tell which of them were flaky."""
    _say(f"\nOnce more, alone and one after the other: {', '.join(names)}")
    code, second = _run(["-n", "0", *names])  # an id needs none of the options that choose among tests
    passed = set(second.passed) if second is not None else set()
    flaky = [name for name in names if name in passed]
    failed = [name for name in names if name not in passed]
    _note(flaky)
    for name in failed:
        _say(f"failed twice: {name}")
    return code or (_FAILED if failed else _PASSED)


def _run(arguments: list[str]) -> tuple[int, Outcomes | None]:
    """Run pytest in a process of its own; return its exit code, as a shell would have it, and the outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outcomes.json"
        command = [sys.executable, "-m", "deploy.outcomes", str(path), *arguments]
        code = subprocess.run(command, check=False).returncode
        return (code if code >= 0 else 128 - code), outcomes.read(path)


def _note(flaky: list[str]) -> None:
    for name in flaky:
        _say(f"flaky: {name}")
    if FLAKY_VARIABLE in os.environ:
        with open(os.environ[FLAKY_VARIABLE], "a") as notes:
            notes.writelines(f"{name}\n" for name in flaky)


def _give_up(code: int, why: str) -> int:
    _say(f"\nNothing is run once more: {why}.")
    return code or _FAILED


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
