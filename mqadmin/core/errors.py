"""The one exception by which a service says no in words that a person can act on."""

from __future__ import annotations

from collections.abc import Mapping


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
