"""What an earlier supervisor of the same name started and still runs: taken over, never started a second time."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from consumers.models import ConsumerProcess
from consumers.supervisor import children, rows
from consumers.supervisor.children import Child
from consumers.supervisor.machine import spawn

log = logging.getLogger("mqadmin.supervisor")


def adopt(supervisor: str, visible: Iterable[ConsumerProcess]) -> dict[int, Child]:
    """Return the living processes of this supervisor's name by row id, those too whose rows are gone or closed.

    `visible`: the open rows. Writes the pid of each into its row. Raises django.db.Error.
    """
    found: dict[int, Child] = {}
    survivors = spawn.survivors(supervisor)
    for row in visible:
        if row.supervisor != supervisor:
            continue
        process = survivors.pop(row.pk, None)
        child = (
            children.found(row.pk, process)
            if process is not None
            else children.adopted(row.pk, row.pid, row.pid_created)
        )
        if child is None:
            continue
        if row.stop_requested_at is not None:
            child.stop_sent = time.monotonic()
        rows.spawned(row.pk, child.pid, child.created)
        rows.event(row.pk, "adopted", f"The supervisor was started again and adopted process {child.pid}")
        found[row.pk] = child
        log.info("adopted process %d (row %d)", child.pid, row.pk)
    for process_id, process in survivors.items():
        orphan = children.found(process_id, process)
        if orphan is not None:
            found[process_id] = orphan
    return found
