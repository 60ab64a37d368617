"""A handler for tests that starts a process and has its message in hand for as long as that runs."""

from __future__ import annotations

import subprocess

from consumers.handlers.registry import handler
from consumers.runtime.api import Delivery


@handler("tests.fork", title="Starts what the body says")
def fork(message: Delivery) -> None:
    with subprocess.Popen(message.text.split()) as child:
        print(f"child {child.pid}", flush=True)
