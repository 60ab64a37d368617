"""A handler that does what no handler should: the body says what."""

from __future__ import annotations

import contextlib
import math
import os
from datetime import timedelta
from typing import Any

from consumers.runtime.api import Delivery, Reject, Retry


class Wordless:
    """Cannot be written as a text."""

    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class BareRetry(Retry):
    """Knows nothing of a delay."""

    def __init__(self) -> None:
        pass


def misbehave(message: Delivery) -> None:
    """Misbehave."""
    what, _, rest = message.text.partition(":")
    if what == "note":
        with open(rest, "a") as file:
            file.write(f"{message.message_id}\n")
    odd: Any = timedelta(seconds=5)
    match message.text:
        case "timedelta":
            raise Retry(delay=odd)
        case "nan":
            raise Retry(delay=math.nan)
        case "set later":
            late = Retry()
            late.delay = odd
            raise late
        case "bare":
            raise BareRetry
        case "wordless":
            raise Reject(Wordless())
        case "forever":
            raise Retry(delay=math.inf)
        case "centuries":
            raise Retry(delay=1e10)
        case "unloggable":
            message.log.warning("%d", Wordless())
            message.log.warning(Wordless())
        case "fork":
            os.fork()
        case "rewrite":
            _rewrite(message)
            raise RuntimeError("no luck")


def _rewrite(message: Delivery) -> None:
    """Change all that can be changed, to what AMQP can and cannot hold."""
    with contextlib.suppress(AttributeError):
        message.body = b"changed"  # type: ignore[misc]
    message.headers["mine"] = "changed"
    message.headers["added"] = object()
    message.headers["list"].append(Wordless())
    table = message.properties.headers
    if table is not None:
        table["table"]["deep"] = Wordless()
