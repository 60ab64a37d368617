"""The names that letters of a broker have: queues, error types, headers. Cheap however many letters there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import tally
from mqadmin.deadletters.search.query.meaning import Facts, found_at, plain

MOST_NAMES = 500
_NEWEST = 3_000  # letters whose names are read
_OPENED = 100  # letters whose headers and bodies are read


def names(broker: str, column: str) -> list[str]:
    """Return the values of a name's column, sorted: of all letters where they are counted, else of the newest."""
    if column in tally.KEYS:
        return sorted(name for name in tally.by(column, {"broker": broker}) if name)[:MOST_NAMES]
    rows = DeadLetter.objects.filter(broker=broker).order_by("-pk").values_list(column, flat=True)[:_NEWEST]
    return sorted({name for name in rows if name})[:MOST_NAMES]


def sources(broker: str) -> list[str]:
    """Return the queues in which letters died, sorted."""
    return sorted(name for name in tally.by("source_queue", {"broker": broker}) if name)[:MOST_NAMES]


def error_types(broker: str) -> list[str]:
    """Return the error types of the newest letters, the most frequent first, without their packages."""
    rows = DeadLetter.objects.filter(broker=broker).order_by("-pk").values_list("error_type", flat=True)
    counted = Counter(name.rsplit(".", 1)[-1] or name for name in rows[:_NEWEST] if name)
    return [name for name, _count in counted.most_common(MOST_NAMES)]


def paths(broker: str, column: str) -> list[str]:
    """Return the names in headers, properties or JSON bodies of the newest letters, the most frequent first."""
    counted = Counter(
        path for facts in _opened(broker, column) for path in dict.fromkeys(_plain_paths(facts.table(column)))
    )
    return [path for path, _count in counted.most_common(MOST_NAMES)]


def values(broker: str, column: str, path: str) -> list[str]:
    """Return the values at a path of the newest letters, the most frequent first."""
    if masking.is_hidden(column, path):
        return []
    counted = Counter(
        text
        for facts in _opened(broker, column)
        for value in found_at(facts.table(column), path.split("."))
        if len(text := plain(value)) <= 80
    )
    return [text for text, _count in counted.most_common(50)]


def _opened(broker: str, column: str) -> Iterator[Facts]:
    wanted = {column, "properties"}
    rows = DeadLetter.objects.filter(broker=broker).order_by("-pk")
    if column == "body":
        rows = rows.filter(size__lte=100_000)
    for row in rows.values(*wanted)[:_OPENED]:
        yield Facts(row)


def _plain_paths(document: Any, most: int = 200) -> Iterator[str]:
    """Yield the paths of a document's scalars, as a query writes them: lists are passed through."""
    waiting: list[tuple[Any, str]] = [(document, "")]
    while waiting and most:
        most -= 1
        node, path = waiting.pop()
        if isinstance(node, Mapping):
            waiting.extend(
                (item, f"{path}.{key}" if path else str(key)) for key, item in list(node.items())[:100]
            )
        elif isinstance(node, list):
            waiting.extend((item, path) for item in node[:3])
        elif path:
            yield path
