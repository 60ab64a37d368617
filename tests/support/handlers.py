"""Handlers for tests: what they do stands in the body."""

from __future__ import annotations

import os
import threading
import time

from consumers.handlers.registry import handler
from consumers.runtime.api import Delivery


@handler("tests.by_body", title="Does what the body says")
def by_body(message: Delivery) -> None:
    what, _, rest = message.text.partition(":")
    if what == "fail":
        raise RuntimeError(f"no luck with {message.message_id}")
    if what == "sleep":
        time.sleep(float(rest))
    if what == "die":
        os._exit(99)
    if what == "thread":
        threading.Thread(target=time.sleep, args=(float(rest),), daemon=False, name="left behind").start()
    if what == "log":
        message.log.info("%s", rest)
