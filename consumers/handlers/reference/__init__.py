"""Reference handlers: small, whole examples of the systems people build by hand with pika.

Whether a message fails depends on what is in it and on the time, never on chance: so one that failed can be
repaired (edited, or simply tried again later) and then passes.
"""

from consumers.handlers.reference import batches, logs, orders, priority, tasks, threads

__all__ = ["batches", "logs", "orders", "priority", "tasks", "threads"]
