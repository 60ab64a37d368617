"""The pika consumer: one process, one queue, one I/O thread, N handler threads. Plain Python, no Django.

Who does what:

- `process.run` ties the parts together and lives in the main thread, which is the only one that touches
  the connection (`consumer_connection`) and its channels (`subscription`, `windows`).
- `pool` runs handlers in threads and turns what they return or raise into an outcome (`policy`, pure).
- A failed or postponed message leaves as a confirmed copy (`copies`) before anything else happens to it.
- `committer` commits outcomes in groups through a `Sink`, in a thread of its own.
- `acks` says which acks the committed outcomes add up to.
"""
