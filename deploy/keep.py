"""Keep one command running: start it again when it ends, ever more slowly, until told to stop.

    python -m deploy.keep NAME COMMAND [ARGUMENT...]

A monitor that crashes must not take the web page with it, nor stay away unnoticed. Keeper and command share
a process group, so a signal sent to the group reaches both: the keeper then waits and starts nothing again.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

FIRST_DELAY_S = 1.0
LAST_DELAY_S = 30.0
_HEALTHY_S = 60.0


def delay(failures: int) -> float:
    """Return the seconds to wait before the next start, after `failures` ends in a row (1, 2, ...)."""
    return float(min(FIRST_DELAY_S * 2 ** min(failures - 1, 10), LAST_DELAY_S))


def main() -> int:
    """Run the command on the command line until SIGTERM or SIGINT."""
    name, *command = sys.argv[1:]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            code = subprocess.Popen(command).wait()
        except OSError as error:
            print(f"{command[0]} cannot be started: {error.strerror}", flush=True)
            code = 127
        if stop.is_set():
            break
        failures = 1 if time.monotonic() - began >= _HEALTHY_S else failures + 1
        pause = delay(failures)
        print(f"{name} ended {_how(code)}; starting it again in {pause:g} s", flush=True)
        stop.wait(pause)
    return 0


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
