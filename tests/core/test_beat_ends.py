"""Beat ends at the first signal: a second one, while Python is ending, is no error."""

from __future__ import annotations

import subprocess
import sys

_BEAT = """
import atexit, os, signal
from mqadmin import celery

def end(number, frame):
    raise SystemExit

signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
celery._end_once()
atexit.register(lambda: [os.kill(os.getpid(), number) for number in (signal.SIGTERM, signal.SIGINT)])
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_second_signal_is_not_told_as_an_error() -> None:
    done = subprocess.run([sys.executable, "-c", _BEAT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
