"""A handler for tests that uses what its message says: memory, stdout, time."""

from __future__ import annotations

import sys
import time

from consumers.handlers.registry import handler
from consumers.runtime.api import Delivery

_held: list[bytearray] = []


@handler("tests.use", title="Uses what the body says")
def use(message: Delivery) -> None:
    """Do each word of the body: hold:MB (for good), sleep:SECONDS, print:TEXT, log:TEXT."""
    for word in message.text.split():
        what, _, rest = word.partition(":")
        match what:
            case "hold":
                _held.append(bytearray(b"x" * (int(rest) * 1024 * 1024)))
            case "sleep":
                time.sleep(float(rest))
            case "print":
                print(rest, flush=True)
                print(rest, file=sys.stderr, flush=True)
            case "log":
                message.log.warning("%s", rest)
