"""The names of process states and exit codes. Imports nothing, so that anything may import it."""

STARTING = "starting"
CONNECTING = "connecting"
RUNNING = "running"
PAUSED = "paused"
DRAINING = "draining"
WAITING = "waiting"
STOPPED = "stopped"
BACKOFF = "backoff"
FAILED = "failed"
LOST = "lost"

EXIT_STOPPED = 0  # stopped as asked
EXIT_RECYCLED = 75  # ended itself to be started anew (EX_TEMPFAIL): no crash
EXIT_CONFIGURATION = 3  # starting it again would fail the same way

STOPPED_AS_ASKED = "stopped as asked"  # a process's last words (exit_reason) when it ended by itself
