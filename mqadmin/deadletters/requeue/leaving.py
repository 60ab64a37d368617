"""Which headers do not go with a requeue, said before anything moves: by who wrote them, in how many letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.db.models import QuerySet

from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.requeue import copies
from mqadmin.rabbit import clean_copy
from mqadmin.rabbit.message import from_json
from mqadmin.rabbit.reading import frameworks

MOST_READ = 500  # letters of each framework whose headers are read
MOST_NAMED = 50  # names of each


@dataclass(frozen=True)
class LeftBehind:
    """Headers that do not go with the copy: who wrote them, `names`, and in how many of the letters looked at.

    `framework`: one of `frameworks.NAMES`, or "rabbitmq". `can_stay`: it is somebody else's than RabbitMQ's and
    mqadmin's, so a person can have them go with the copy all the same.
    """

    framework: str
    names: tuple[str, ...]
    letters: int = 1

    @property
    def title(self) -> str:
        """What people call who wrote them."""
        return frameworks.title(self.framework) or "RabbitMQ"

    @property
    def can_stay(self) -> bool:
        return self.framework in frameworks.OTHERS


def of_letter(letter: DeadLetter) -> list[LeftBehind]:
    """Return what a requeue of one letter leaves behind; nothing where its headers cannot be read."""
    return _told(_read([letter], keep_headers=False))


def of_many(rows: QuerySet[DeadLetter], total: int, *, keep_headers: bool) -> tuple[list[LeftBehind], int]:
    """Return what a requeue of `rows`, `total` of them, leaves behind, and how many were looked at for it: all, or
    of each framework, as it was captured, the MOST_READ oldest."""
    parts = [rows]
    if total > MOST_READ:
        names = list(rows.order_by().values_list("framework", flat=True).distinct())
        parts = [rows.filter(framework=name) for name in names]
    read: list[Mapping[str, list[str]]] = []
    for part in parts:
        some = part.order_by("pk").only("headers", "original")[:MOST_READ]
        # An original has its body in it: few of them at once.
        read.extend(_read(some.iterator(chunk_size=20), keep_headers=keep_headers))
    return _told(read), len(read)


def _read(letters: Iterable[DeadLetter], *, keep_headers: bool) -> Iterator[Mapping[str, list[str]]]:
    for letter in letters:
        try:
            purpose = copies.purpose(letter, keep_headers=keep_headers)
            yield clean_copy.left_behind(from_json(letter.headers), purpose)
        except ValueError:  # such a letter stays, and the requeue says why
            yield {}


def _told(read: Iterable[Mapping[str, list[str]]]) -> list[LeftBehind]:
    letters: Counter[str] = Counter()
    names: dict[str, dict[str, None]] = {}
    for found in read:
        letters.update(found.keys())
        for framework, headers in found.items():
            names.setdefault(framework, {}).update(dict.fromkeys(headers))
    order = (frameworks.RABBITMQ, *frameworks.NAMES)
    return [
        LeftBehind(name, tuple(sorted(names[name])[:MOST_NAMED]), letters[name])
        for name in order
        if name in names
    ]
