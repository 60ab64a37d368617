"""Keep one command running: start it again when it ends, ever more slowly, until told to stop.

    python -m deploy.keep NAME COMMAND [ARGUMENT...]

A monitor that crashes must not take the web page with it, nor stay away unnoticed. Keeper and command share
a process group, so a signal sent to the group reaches both: the keeper then waits and starts nothing again.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
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
    # No Event: a handler that sets one, while who waits for it holds its lock, waits for ever.
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _frame: told.append(got))
    waking, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    failures = 0
    while not told:
        began = time.monotonic()
        try:
            process = subprocess.Popen(command)
            if told:  # it may have begun after its group was told to end
                process.terminate()
            code = process.wait()
        except OSError as error:
            print(f"{command[0]} cannot be started: {error.strerror}", flush=True)
            code = 127
        if told:
            break
        failures = 1 if time.monotonic() - began >= _HEALTHY_S else failures + 1
        pause = delay(failures)
        print(f"{name} ended {_how(code)}; starting it again in {pause:g} s", flush=True)
        select.select([waking], [], [], pause)
    return 0


def _how(code: int) -> str:
    return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
