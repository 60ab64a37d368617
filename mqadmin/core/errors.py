"""The exceptions by which a service says in words that it did not do what was asked: not now, or not yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Refusal(Exception):
    """What was asked cannot be done now, and why. `text` is shown as it is; `code` is for programs.

    Pages answer 409 (a message beside the old page over htmx), the API `status` with `{"detail", "code"}`.
    `fields` maps a form field to its own message, where one is to blame.
    """

    def __init__(
        self, text: str, code: str = "conflict", *, status: int = 409, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.status = status
        self.fields = dict(fields or {})


class Awaits(Exception):
    """What was asked is kept, and is done once a second person agrees. No refusal: nothing is wrong with it.

    Pages go to `href`, where it is followed; the API answers 202 with `told`, the same as data.
    """

    code = "awaits_approval"

    def __init__(self, text: str, *, href: str, told: Mapping[str, Any]) -> None:
        super().__init__(text)
        self.text = text
        self.href = href
        self.told = dict(told)
