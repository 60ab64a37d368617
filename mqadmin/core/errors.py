"""The exceptions by which a service says in words that it did not do what was asked, not now, or not for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404


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


class Denied(PermissionDenied, Refusal):
    """Who asks may see what it is about, but not do so with it (403). A form tells it beside the field to blame."""

    def __init__(self, text: str, field: str = "") -> None:
        Refusal.__init__(self, text, "forbidden", status=403, fields={field: text} if field else None)


class Unseen(Http404, Refusal):
    """What it is about is not to be seen by who asks, as if there were none (404). A form tells it as `Denied`."""

    def __init__(self, text: str, field: str = "") -> None:
        Refusal.__init__(self, text, "not_found", status=404, fields={field: text} if field else None)


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
