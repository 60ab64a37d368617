"""Brokers and queues: what the monitor sees of them, the verdict on each, and what can be done to a queue."""
