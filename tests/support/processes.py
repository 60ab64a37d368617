"""mqadmin's own processes, started by a test on the test's database and broker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.waiting import patient

ROOT = Path(__file__).resolve().parent.parent.parent


@contextlib.contextmanager
def manage(
    environ: Mapping[str, str], *arguments: str, stop: float = 15
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `manage.py ARGUMENTS` in a process group of its own; SIGTERM at the end, SIGKILL after `stop` s."""
    with _running(environ, [sys.executable, "manage.py", *arguments], stop) as process:
        yield process


@contextlib.contextmanager
def killed_at(
    environ: Mapping[str, str], target: str, when: str, count: int, *arguments: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a management command that kills itself around call `count` of `target` (tests.support.killed)."""
    command = [sys.executable, "-m", "tests.support.killed", target, when, str(count), *arguments]
    with _running(environ, command, 5) as process:
        yield process


@contextlib.contextmanager
def _running(
    environ: Mapping[str, str], command: list[str], stop: float
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, cwd=ROOT, env=dict(environ), start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patient(stop))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
