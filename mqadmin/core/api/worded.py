"""What the API answers, for who asks for it in another language (Accept-Language): stored sentences in that one.

In English, which is what who asks for none gets, an answer is what it always was.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.renderers import JSONRenderer

from mqadmin.core import wording

# Fields that hold sentences of ours. A word alone in one of them is a code, which programs compare.
SENTENCES = frozenset(
    [
        "blocked_reason",
        "detail",
        "error",
        "exit_reason",
        "fault",
        "reason",
        "state_reason",
        "status_reason",
        "summary",
        "text",
        "title",
        "why",
        "words",
    ]
)


class Renderer(JSONRenderer):
    """JSON, its sentences in the language of whoever asks."""

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> Any:
        """Return the body of an answer."""
        if not wording.is_english():
            data = reworded(data)
        return super().render(request, data, response_status=response_status)


def reworded(data: Any) -> Any:
    """Return an answer with its sentences in the language of whoever asks; what a handler raised stays as it is."""
    if isinstance(data, list):
        return [reworded(item) for item in data]
    if not isinstance(data, dict):
        return data
    is_theirs = bool(data.get("error_type"))
    return {
        name: wording.worded(value)
        if isinstance(value, str)
        and " " in value
        and name in SENTENCES
        and not (is_theirs and name == "error")
        else reworded(value)
        for name, value in data.items()
    }
