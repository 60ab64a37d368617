"""What the small services of these tests share: where they find their broker, and whether they fail today.

A service handles a job by writing a line to its journal. Until the file that NEIGHBOUR_REPAIRED names exists,
every job fails, as it would for a bug that is not put right yet.
"""

from __future__ import annotations

import os
from pathlib import Path

URL, JOURNAL, REPAIRED = "NEIGHBOUR_URL", "NEIGHBOUR_JOURNAL", "NEIGHBOUR_REPAIRED"


def url() -> str:
    """The AMQP address of the broker, with credentials and vhost."""
    return os.environ[URL]


def book(job: str) -> None:
    """Do the job. Raises LookupError as long as the service is not repaired."""
    if not Path(os.environ[REPAIRED]).exists():
        raise LookupError(f"no account for job {job}")
    with Path(os.environ[JOURNAL]).open("a") as journal:
        journal.write(f"{job}\n")
