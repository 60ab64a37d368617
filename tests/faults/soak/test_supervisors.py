"""The supervisors' own faults at full size, on a PostgreSQL of their own whatever the run's database is."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.consumers.supervisor.live import own_postgres
from tests.faults.soak.sizes import TIMEOUT
from tests.support.length import IN_FULL
from tests.support.processes import ROOT

pytestmark = [
    pytest.mark.broker,
    pytest.mark.processes,
    pytest.mark.timeout(TIMEOUT),
    pytest.mark.skipif(not own_postgres.is_installed(), reason="PostgreSQL is not installed"),
]


@IN_FULL
@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        ("test_races.py", {"RACES": "200"}),
        ("test_database_gone.py", {"OUTAGE": "60"}),
        ("test_clock.py", {"CLOCK_WATCH": "70"}),  # longer than a supervisor has patience with silence
    ],
)
def test_in_full(module: str, sizes: dict[str, str], amqp_url: str) -> None:
    with own_postgres.cluster() as cluster:
        command = [sys.executable, "-m", "pytest", "-s", f"tests/consumers/supervisor/{module}"]
        environ = {**cluster.environ, **sizes, "PYTEST_TIMEOUT": str(TIMEOUT)}
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False)
    assert done.returncode == 0
