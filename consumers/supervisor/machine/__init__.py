"""The machine under a supervisor: processes started and found, their output, signals, locks, a clock."""
