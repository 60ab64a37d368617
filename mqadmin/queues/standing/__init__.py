"""What holds for a queue of owner, thresholds and mute: what a person set on it, else what standing rules say.

`effective` decides, `applying` writes it to rows: the monitor for queues that appear, an act where a rule changes.
"""
