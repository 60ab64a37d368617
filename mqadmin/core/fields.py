"""Columns for JSON that must come back exactly as it was stored, and for sentences that are stored in English."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import models

from mqadmin.core import wording

if TYPE_CHECKING:
    CharField = models.CharField[Any, str]
    SentenceText = models.TextField[Any, str]
    TextField = models.TextField[Any, Any]
else:
    CharField, SentenceText, TextField = models.CharField, models.TextField, models.TextField


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


class _Stored:
    """What is put together in the language of whoever asks is stored in English, and worded where it is read."""

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)  # type: ignore[misc]
        if not isinstance(prepared, str) or wording.is_english():
            return prepared
        return wording.stored(prepared)[: self.max_length]  # type: ignore[attr-defined]  # English is longer

    def deconstruct(self) -> Any:
        """Be known to migrations as the plain column that it is."""
        name, _path, args, kwargs = super().deconstruct()  # type: ignore[misc]
        return name, f"django.db.models.{self._column}", args, kwargs  # type: ignore[attr-defined]


class SentenceField(_Stored, CharField):
    """A short sentence of ours (ADR 59)."""

    _column = "CharField"


class SentencesField(_Stored, SentenceText):
    """A text of ours, of any length (ADR 59)."""

    _column = "TextField"
