from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from consumers.supervisor.forking import kernel
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.any_database, pytest.mark.any_version, pytest.mark.processes]

_STARTS_ONE = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)"


def test_what_a_child_leaves_behind_is_adopted_and_let_go() -> None:
    kernel.adopt_orphans()
    try:
        with subprocess.Popen([sys.executable, "-c", _STARTS_ONE], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            left = int(child.stdout.readline())
            child.wait()
            assert psutil.Process(left).ppid() == os.getpid()
            psutil.Process(left).kill()
        with subprocess.Popen(["sleep", "600"]) as ours:
            ours.kill()
            wait_until(lambda: psutil.Process(ours.pid).status() == psutil.STATUS_ZOMBIE, 10)

            def is_gone() -> bool:
                kernel.reap([ours.pid])
                return not psutil.pid_exists(left)

            wait_until(is_gone, 10, what="let go")
            assert ours.wait() == -9, "what is known is left to who knows it"
    finally:
        kernel.adopt_orphans(False)
