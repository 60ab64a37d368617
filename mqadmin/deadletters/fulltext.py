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
from collections.abc import Sequence
from datetime import timedelta
from itertools import takewhile
from typing import Any

from django.db import Error, connection, transaction
from django.db.models import Max
from django.utils import timezone

from mqadmin.deadletters.models import DeadLetter, WordsMark

log = logging.getLogger(__name__)

TABLE = "deadletters_words"
SHORTEST = 3
MOST = 3_000  # newest letters that hold the words
SETTLED = timedelta(seconds=60)
_BATCH = 2_000
_MOST_PIECES = 16  # trigrams of one word that are asked for


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


def candidates(words: Sequence[str]) -> tuple[list[int], bool]:
    """Return (ids of the newest letters that may hold all the words, whether there are more). `words`: as the
    search text writes them, each of SHORTEST characters or more."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            pieces = dict.fromkeys(piece for word in words for piece in _pieces(word))
            match = " AND ".join('"' + piece.replace('"', '""') + '"' for piece in pieces)
            cursor.execute(
                f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY rowid DESC LIMIT {MOST + 1}",  # noqa: S608
                [match],
            )
        else:
            where = " AND ".join(["words LIKE %s"] * len(words))
            cursor.execute(
                f"SELECT id FROM {TABLE} WHERE {where} ORDER BY id DESC LIMIT {MOST + 1}",  # noqa: S608
                [f"%{connection.ops.prep_for_like_query(word)}%" for word in words],
            )
        ids = [row[0] for row in cursor.fetchall()]
    return ids[:MOST], len(ids) > MOST


def _pieces(word: str) -> list[str]:
    pieces = [word[at : at + 3] for at in range(len(word) - 2)]
    step = max(1, len(pieces) // _MOST_PIECES)
    return pieces[::step][:_MOST_PIECES]


def lag() -> int:
    """Return how many letters are not in the index yet, at most."""
    newest = DeadLetter.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return max(0, newest - mark())


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
