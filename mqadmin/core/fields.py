"""A column for JSON that must come back exactly as it was stored."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    TextField = models.TextField[Any, Any]
else:
    TextField = models.TextField


class ExactJSONField(TextField):
    """JSON kept as ASCII text.

    Not models.JSONField: PostgreSQL's jsonb refuses a NUL inside a string and rewrites numbers, and a header
    that a publisher sent must neither stop what stores it nor come back changed.
    """

    def from_db_value(self, value: str | None, *_args: Any) -> Any:
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=True, allow_nan=False)

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))
