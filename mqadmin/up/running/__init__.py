"""The Procfile's processes: forked from one that has loaded what they need, kept running, heard, stopped."""

STOP_SECONDS = 7
"""From being told to stop to SIGKILL for the rest. A consumer finishes what is in hand meanwhile."""
PADDING = " " * 300
"""What stands last on the runner's command line: room for what /proc shows as those of what is forked from it."""
