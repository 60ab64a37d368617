"""What the tests of the API of consumers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Api = Callable[[str], Any]
