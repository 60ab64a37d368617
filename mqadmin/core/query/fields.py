"""What a language of searches is made of: its fields, their kinds, their other names. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from django.utils.functional import Promise

# number: whole; real: with a sign and a fraction; span: a length of time; moment: a time, or an age.
Kind = Literal["name", "names", "choice", "text", "number", "real", "span", "moment", "flag", "table"]


@dataclass(frozen=True)
class Field:
    """One field. `columns`: where its value is kept. `is_indexed`: the database finds an exact value without
    reading every row. `is_size`: its number may be written 10k, 5MB. `example`: what may follow its name."""

    name: str
    kind: Kind
    columns: tuple[str, ...]
    about: str | Promise
    choices: tuple[str, ...] = ()
    is_indexed: bool = False
    example: str = ""
    is_size: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """The fields of one language. `has_patterns`: names and words may be `/regular expressions/`.
    `has_colons`: the names that are looked for often have colons, so that `a:b` is a word where `a` is like no
    field."""

    fields: Mapping[str, Field]
    aliases: Mapping[str, str] = field(default_factory=dict)
    has_patterns: bool = False
    has_colons: bool = False

    @classmethod
    def of(cls, fields: Sequence[Field], aliases: Mapping[str, str], **more: bool) -> Vocabulary:
        return cls({item.name: item for item in fields}, aliases, **more)

    def find(self, name: str) -> Field | None:
        """Return the field that `name` means, whatever its case; None if there is none."""
        lowered = name.lower()
        return self.fields.get(self.aliases.get(lowered, lowered))

    def near(self, name: str) -> list[str]:
        """Return at most two names that `name` may have been meant for."""
        known = [*self.fields, *self.aliases]
        return list(dict.fromkeys(difflib.get_close_matches(name.lower(), known, n=2, cutoff=0.6)))
