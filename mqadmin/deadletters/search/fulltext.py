"""An index over the letters' text, so that a word is found among millions; built behind the collectors' back.

A letter's text costs more to index than to store: within the capture it would halve its speed. So the index is
caught up by a task every few seconds, and a search reads what is not in it yet, and what was edited since, letter
by letter. The index only names candidates, three characters at a time; the letters themselves decide. It holds no
truth: it may be dropped and built again.

SQLite: an FTS5 table of trigrams without content. PostgreSQL: a table with a trigram index, where the extension
pg_trgm may be created; without it a search reads the newest letters.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.db import Error, connection, transaction
from django.utils import timezone

from mqadmin.deadletters.models import DeadLetter, WordsMark

log = logging.getLogger(__name__)

TABLE = "deadletters_words"
SHORTEST = 3
MOST = 3_000  # newest letters that hold the words
MOST_ON_PAGE = 500  # of them, for a page
SETTLED = timedelta(seconds=60)
_BATCH = 2_000
_PIECE = 3  # characters
_MOST_PIECES = 8  # of one word that are asked for: each costs a walk through its letters
_FETCH = 7.0  # letters in the order of their ids are read while the index fetches one
_PART, _PART_OF_SEVERAL = 8, 6  # characters of a word
_KNOWN = re.compile(r"[^\W_]{3}")  # pg_trgm passes over all other characters
_PROBED = 4_000  # newest letters, by which is told how frequent the words are


def install(**_kwargs: Any) -> None:
    """Make the index's table where it is missing. After every migrate."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in _SQLITE if connection.vendor == "sqlite" else _POSTGRESQL:
                cursor.execute(statement)
    except Error as error:
        log.warning("Full-text search will read the newest letters only: %s", error)


def is_there() -> bool:
    """Whether there is an index."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [TABLE])
        else:
            cursor.execute("SELECT 1 WHERE to_regclass(%s) IS NOT NULL", [TABLE])
        return cursor.fetchone() is not None


def mark() -> int:
    """Return the id up to which letters are in the index, 0 for an index that is empty or not there."""
    found = WordsMark.objects.filter(pk=1).values_list("letter", flat=True).first()
    return found or 0


def catch_up(most: int = 50_000) -> int:
    """Put up to `most` letters into the index, a batch to a transaction. Returns how many."""
    done = 0
    if not is_there():
        return done
    while done < most:
        count = _batch()
        done += count
        if count < _BATCH:
            break
    return done


def _batch() -> int:
    with transaction.atomic():
        row, _made = WordsMark.objects.select_for_update().get_or_create(pk=1)
        letters = DeadLetter.objects.filter(pk__gt=row.letter).order_by("pk")
        found = letters.values_list("pk", "search_text", "captured_at")[:_BATCH]
        # On PostgreSQL a letter may be committed after one with a higher id: the newest are left for later.
        settled = timezone.now() - SETTLED
        rows = [(pk, text) for pk, text, _at in takewhile(lambda item: item[2] < settled, found)]
        if not rows:
            return 0
        with connection.cursor() as cursor:
            if row.letter == 0:
                cursor.execute(_EMPTY[connection.vendor])
            if connection.vendor == "sqlite":
                cursor.executemany(f"INSERT INTO {TABLE} (rowid, words) VALUES (%s, %s)", rows)  # noqa: S608
            else:
                ids, texts = [pk for pk, _text in rows], [text for _pk, text in rows]
                cursor.execute(
                    f"INSERT INTO {TABLE} (id, words) SELECT * FROM unnest(%s::bigint[], %s::text[]) "  # noqa: S608
                    "ON CONFLICT (id) DO NOTHING",
                    [ids, texts],
                )
        row.letter = rows[-1][0]
        row.save(update_fields=["letter"])
    return len(rows)


def drop(rows: Sequence[tuple[int, str]]) -> None:
    """Take letters that are about to be deleted out of the index, in the caller's transaction: (id, the text they
    were put in with). What is not in it yet is passed over."""
    newest = mark()
    known = [(pk, text) for pk, text in rows if pk <= newest]
    if not known or not is_there():
        return
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.executemany(
                f"INSERT INTO {TABLE} ({TABLE}, rowid, words) VALUES ('delete', %s, %s)",  # noqa: S608
                known,
            )
        else:
            cursor.execute(f"DELETE FROM {TABLE} WHERE id = ANY(%s)", [[pk for pk, _text in known]])  # noqa: S608


def forget() -> None:
    """Start over: the next `catch_up` begins with the first letter."""
    WordsMark.objects.update(letter=0)


def candidates(words: Sequence[str], most: int | None = None) -> tuple[list[int], bool]:
    """Return (ids of the newest letters that may hold all the words, whether there are more), `most` of them or
    MOST. `words`: as the search text writes them, each of SHORTEST characters or more."""
    most = MOST if most is None else most
    ids = _sqlite(words, most + 1) if connection.vendor == "sqlite" else _postgresql(words, most + 1)
    return ids[:most], len(ids) > most


def _sqlite(words: Sequence[str], most: int) -> list[int]:
    pieces = dict.fromkeys(piece for word in words for piece in _pieces(word))
    match = " AND ".join('"' + piece.replace('"', '""') + '"' for piece in pieces)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY rowid DESC LIMIT {most:d}",  # noqa: S608
            [match],
        )
        return [row[0] for row in cursor.fetchall()]


def _postgresql(words: Sequence[str], most: int) -> list[int]:
    """Frequent words are found soonest by reading from the newest letter, rare ones by the index; the planner,
    which has no statistics of parts of words, guesses wrong either way. The newest letters tell which they are."""
    whole = " AND ".join(["strpos(words, %s) > 0"] * len(words))  # no index answers this
    with connection.cursor() as cursor:
        newest = mark()
        found, parts, rarest = _probe(cursor, words, newest - _PROBED)
        if len(found) >= most or newest <= _PROBED:
            return found[:most]
        read = most * _PROBED / max(1, len(found))  # letters until there are so many
        # Those that the index would name; of several words it first goes through the letters with the rarest.
        named = rarest * _FETCH if len(words) == 1 else len(found) * _FETCH + rarest
        if read < newest * named / _PROBED:
            cursor.execute(
                f"SELECT id FROM {TABLE} WHERE {whole} ORDER BY id DESC LIMIT {most:d}",  # noqa: S608
                words,
            )
        else:
            like = " AND ".join(["words LIKE %s"] * len(parts))
            patterns = [f"%{connection.ops.prep_for_like_query(part)}%" for part in parts]
            # Not ordered by the key alone: or the planner might read from the newest letter.
            cursor.execute(
                f"SELECT id FROM {TABLE} WHERE {like} AND {whole} ORDER BY id + 0 DESC LIMIT {most:d}",  # noqa: S608
                [*patterns, *words],
            )
        return [row[0] for row in cursor.fetchall()]


def _probe(cursor: Any, words: Sequence[str], above: int) -> tuple[list[int], list[str], int]:
    """Look at the letters with an id `above`: return those that hold all words, newest first; of each word the
    part to ask the index for, which walks through a list of letters for every three characters; and how many hold
    the rarest of these parts."""
    options = [_parts(word, _PART if len(words) == 1 else _PART_OF_SEVERAL) for word in words]
    parts = list(dict.fromkeys(part for option in options for part in option))
    columns = [f"strpos(words, %s) > 0 AS w{number}" for number in range(len(words))]
    columns += [f"strpos(words, %s) > 0 AS p{number}" for number in range(len(parts))]
    holds = " AND ".join(f"w{number}" for number in range(len(words)))
    counts = ", ".join(f"count(*) FILTER (WHERE p{number})" for number in range(len(parts)))
    cursor.execute(
        f"SELECT array_agg(id ORDER BY id DESC) FILTER (WHERE {holds}), {counts} FROM "  # noqa: S608
        f"(SELECT id, {', '.join(columns)} FROM {TABLE} WHERE id > %s OFFSET 0) AS probed",
        [*words, *parts, above],
    )
    ids, *counted = cursor.fetchone()
    frequent = dict(zip(parts, counted, strict=True))
    chosen = [min(option, key=lambda part: frequent[part]) for option in options]
    return list(ids or ()), chosen, min(frequent[part] for part in chosen)


def _parts(word: str, size: int) -> list[str]:
    """Return what the index may be asked for instead of `word`: parts of which it knows three characters."""
    found = dict.fromkeys((word[:size], word[-size:]))
    return [part for part in found if _KNOWN.search(part)] or [word]


def _pieces(word: str) -> list[str]:
    """Return parts of a word that together hold each of its characters, where they are not too many."""
    last = len(word) - _PIECE
    starts = dict.fromkeys((*range(0, last, _PIECE), last))
    return [word[at : at + _PIECE] for at in starts][:_MOST_PIECES]


_SQLITE = (
    f"CREATE VIRTUAL TABLE IF NOT EXISTS {TABLE} "
    "USING fts5(words, content='', tokenize='trigram', detail='none', columnsize=0)",
)
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id bigint PRIMARY KEY, words text NOT NULL)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_trigrams ON {TABLE} USING gin (words gin_trgm_ops)",
)
_EMPTY = {
    "sqlite": f"INSERT INTO {TABLE} ({TABLE}) VALUES ('delete-all')",  # noqa: S608
    "postgresql": f"TRUNCATE {TABLE}",
}
