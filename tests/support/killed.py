"""Run a management command that dies by SIGKILL at a chosen moment: a crash exactly where it hurts most.

    python -m tests.support.killed consumers.process.record_sink:RecordSink.commit after 2 run_consumer orders

kills the process right after (or before) the second call of that function. The command `worker` is Celery's.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
from typing import Any

import django


def arm(target: str, when: str, count: int) -> None:
    """Make call number `count` of `module:attribute.path` the last thing this process does."""
    module_name, _, path = target.partition(":")
    *parents, name = path.split(".")
    holder: Any = importlib.import_module(module_name)
    for parent in parents:
        holder = getattr(holder, parent)
    original = getattr(holder, name)
    calls = 0

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if calls == count and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, name, wrapper)


def main() -> None:
    target, when, count, command, *arguments = sys.argv[1:]
    django.setup()
    from django.core.management import call_command

    from mqadmin.celery import app

    arm(target, when, int(count))
    if command == "worker":
        app.worker_main([command, *arguments])
    else:
        call_command(command, *arguments)


if __name__ == "__main__":
    main()
