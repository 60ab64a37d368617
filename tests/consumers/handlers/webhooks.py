"""The webhook handler, bound and called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.handlers.registry import OptionsError, Place
from consumers.runtime.api import Delivery
from tests.consumers.handlers.deliveries import delivery

HERE = Place("hooks", "default", "/", "q")


def bound(**options: Any) -> Callable[[Delivery], None]:
    return registry.bind(registry.get("webhook"), {"allow_private": True, "timeout_s": 5, **options}, HERE)


def call(message: Delivery | None = None, **options: Any) -> None:
    bound(**options)(message or delivery({"n": 1}))


def faults(**options: Any) -> dict[str, str]:
    """What is wrong with these options in a form, or where they would run."""
    with pytest.raises(OptionsError) as raised:
        registry.bind(registry.get("webhook"), {"url": "https://example.org/", **options}, HERE)
    return raised.value.errors
