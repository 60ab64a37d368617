"""What the tests of the API of consumers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.several_brokers import number_of_brokers  # noqa: F401

Api = Callable[[str], Any]
