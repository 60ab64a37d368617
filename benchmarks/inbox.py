"""How quick the inbox is above 1,000,000 stored letters, on SQLite and on PostgreSQL.

    python -m benchmarks.inbox [--letters 1000000] [--requests 40] [--only sqlite postgres] [--url DATABASE_URL]

Each database is filled through the statements that a capture uses, its full-text index built by its own task's
code; then Django's test client asks for pages as a browser does, and for the API's. Every request differs.
`--url` measures a migrated database that is kept, and fills it where it is empty.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from benchmarks import common
from benchmarks.common import Bench
from benchmarks.databases import databases
from mqadmin.rabbit.config import BrokerConfig, load
from mqadmin.stack import with_room

AT_MOST_MS = 150.0
SOURCES, GROUPS_OF_A_SOURCE, WORDS = 50, 10, 20_000
REASONS = ("rejected", "expired", "maxlen", "error")
ERRORS = ("shop.errors.Timeout", "shop.errors.Declined", "KeyError", "ValueError", "smtp.Refused")
SPAN = timedelta(days=14)  # over which the letters came in
PAGES = 200
PAGE, FAR = "/dead-letters/", 1_000  # the inbox, and how far somebody turns its pages
_FILL_BATCH = 10_000
_INSERTED, _INSERT_BATCH = 20_000, 500
_WARM = 3
_SECONDS = 3_600.0

Ask = Callable[[int], tuple[str, dict[str, Any]]]


# --- the letters -------------------------------------------------------------------------------------------


class Letters:
    """Makes rows of letters: prototypes of every cause from the real code, each copied with what differs."""

    def __init__(self) -> None:
        from mqadmin.deadletters.letter import letters

        self._random = random.Random(5)
        self._at = {name: place for place, name in enumerate(letters.COLUMNS)}
        self.words = _words(self._random)
        self._weights = [1 / (rank + 10) for rank in range(WORDS)]
        self.sources = [f"shop.{self.words[-1 - number]}" for number in range(SOURCES)]
        self._causes = [
            self._prototype(source, number)
            for source in range(SOURCES)
            for number in range(GROUPS_OF_A_SOURCE)
        ]
        self._cause_weights = [1 / (1 + cause // 40) for cause in range(len(self._causes))]

    def _prototype(self, source: int, number: int) -> list[Any]:
        from mqadmin.deadletters.letter import letters
        from mqadmin.rabbit.message import Message, Properties

        queue = self.sources[source]
        reason = REASONS[(source + number) % len(REASONS)]
        death = {
            "count": 1 + number % 3,
            "reason": "rejected" if reason == "error" else reason,
            "queue": queue,
            "time": datetime(2026, 11, 21, tzinfo=UTC),
            "exchange": "shop",
            "routing-keys": [f"{queue}.created"],
        }
        headers: dict[str, Any] = {"x-death": [death], "tenant": f"t{source}", "x-retries": number}
        if reason == "error":
            error = ERRORS[(source + number) % len(ERRORS)]
            headers |= {
                "mqadmin-death-queue": queue,
                "mqadmin-death-reason": "error",
                "mqadmin-error-type": error,
                "mqadmin-error-message": f"{self.words[source * 40 + number]} failed after 30 s",
            }
        properties = Properties(headers=headers, content_type="application/json", delivery_mode=2)
        place = letters.CapturedQueue("default", "/", f"dlx.{source % 10}")
        message = Message(b"{}", properties, "dlx", queue)
        row = list(letters.row(place, letters.take(place, message, datetime.now(UTC)), duplicate_of=None))
        if number == GROUPS_OF_A_SOURCE - 1:  # ten causes a source, also where several share an error
            row[self._at["group"]] = f"{source:016x}{number:016x}"
        return row

    def group(self, number: int) -> str:
        """Return a cause, another for each number."""
        return str(self._causes[(7 * number) % len(self._causes)][self._at["group"]])

    def rows(self, first: int, count: int, moments: Sequence[datetime]) -> list[tuple[Any, ...]]:
        """Return `count` rows, numbered from `first`, that came in at `moments`."""
        draw, at = self._random, self._at
        chosen = draw.choices(self._causes, self._cause_weights, k=count)
        words = draw.choices(self.words, self._weights, k=22 * count)
        from django.db import connection

        adapted = connection.ops.adapt_datetimefield_value
        rows = []
        for number, (cause, moment) in enumerate(zip(chosen, moments, strict=True), first):
            text = " ".join(words[22 * (number - first) : 22 * (number - first + 1)])
            order = {"id": number, "total": number % 5000, "country": ("de", "fr", "us")[number % 3]}
            body = json.dumps({"order": order, "note": text})
            row = cause.copy()
            row[at["message_id"]] = f"ord-{number}"
            row[at["body"]] = body.encode()
            row[at["size"]] = len(body)
            row[at["search_text"]] = f"ord-{number}\n{row[at['search_text']][:-2]}{body}".casefold()
            row[at["fingerprint"]] = f"{number:064x}"
            row[at["captured_at"]] = adapted(moment)
            row[at["first_death_at"]] = adapted(moment - timedelta(seconds=draw.randrange(1, 600)))
            chance = draw.random()
            row[at["status"]] = "parked" if chance < 0.85 else "requeued" if chance < 0.95 else "discarded"
            rows.append(tuple(row))
        return rows


def _words(draw: random.Random) -> list[str]:
    """Return WORDS words, about as varied as a language's."""
    onsets = [*"bcdfghjklmnprstvwz", "br", "ch", "cr", "dr", "fl", "gr", "pl", "sh", "st", "th", "tr"]
    nuclei, codas = [*"aeiouaei", "ai", "ea", "ou"], ["", "", "", *"nrstlm", "ck", "nd"]
    found: dict[str, None] = {}
    while len(found) < WORDS:
        parts = range(draw.choice((1, 2, 2, 3, 3, 4)))
        word = "".join(draw.choice(onsets) + draw.choice(nuclei) + draw.choice(codas) for _part in parts)
        if len(word) > 3:
            found[word] = None
    return list(found)


def fill(letters: Letters, count: int) -> None:
    """Store `count` letters and put them into the full-text index."""
    from django.db import connection, transaction

    from mqadmin.deadletters.letter.letters import COLUMNS
    from mqadmin.deadletters.search import fulltext, tally

    end = datetime.now(UTC) - timedelta(minutes=2)  # settled: the index takes them
    began, step = end - SPAN, SPAN / count
    for first in range(0, count, _FILL_BATCH):
        moments = [began + step * number for number in range(first, min(first + _FILL_BATCH, count))]
        with transaction.atomic():
            tally.insert(COLUMNS, letters.rows(first, len(moments), moments))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one build is minutes quicker than a million additions
            cursor.execute(f"DROP INDEX IF EXISTS {fulltext.TABLE}_trigrams")
            cursor.execute("SET maintenance_work_mem = '1GB'")
        fulltext.catch_up(count)
        fulltext.install()
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def inserted_per_second(letters: Letters) -> float:
    """Return the letters a second that are stored, 500 to a transaction, beside all that are there."""
    from django.db import transaction

    from mqadmin.deadletters.letter.letters import COLUMNS
    from mqadmin.deadletters.models import DeadLetter
    from mqadmin.deadletters.search import tally

    took, newest = 0.0, DeadLetter.newest_id()
    for first in range(0, _INSERTED, _INSERT_BATCH):
        moments = [datetime.now(UTC)] * _INSERT_BATCH
        rows = letters.rows(10_000_000 + first, _INSERT_BATCH, moments)
        began = time.perf_counter()
        with transaction.atomic():
            tally.insert(COLUMNS, rows)
        took += time.perf_counter() - began
    DeadLetter.objects.filter(pk__gt=newest).delete()  # a kept database shall be as it was
    return _INSERTED / took


# --- the requests ------------------------------------------------------------------------------------------


def asked(letters: Letters) -> dict[str, Ask]:
    """Return for each figure what its request number n asks for: (address, parameters)."""
    page, api = PAGE, "/api/v1/dead-letters"
    words, sources = letters.words, letters.sources
    tabs = ("payload", "headers", "properties", "history")
    return {
        "first_page": lambda n: (page, {"status": ("parked", "all", "requeued")[n % 3], "tab": tabs[n % 4]}),
        "source": lambda n: (page, {"source": sources[n % SOURCES]}),
        "group_list": lambda n: (f"{api}/groups", {"source": sources[n % SOURCES]} if n % 2 else {}),
        "group": lambda n: (page, {"group": letters.group(n)}),
        "word_rare": lambda n: (page, {"q": words[WORDS - 1 - 60 * n]}),
        "word_common": lambda n: (page, {"q": words[n % 40]}),
        "words_two": lambda n: (page, {"q": f"{words[n % 40]} {words[(7 * n + 100) % 2000]}"}),
        "error": lambda n: (page, {"q": f"error:{ERRORS[n % len(ERRORS)].rpartition('.')[2]} -id:{n}"}),
        "payload": lambda n: (page, {"q": f"payload.order.total>{4000 + n}"}),
        "died": lambda n: (page, {"q": f"died:<{120 + n}m"}),
        "api_list": lambda n: (api, {"source": sources[n % SOURCES], "status": "parked"}),
        "api_all": lambda n: (api, {"limit": 50 + n}),
    }


def far(ask: Ask) -> Ask:
    """Return the same requests for page FAR, or the last one where there are fewer."""

    def asked(n: int) -> tuple[str, dict[str, Any]]:
        path, given = ask(n)
        return path, given | {"page": FAR}

    return asked


class Clock:
    """Asks for pages through Django's test client, and times them: the whole, and without its template."""

    def __init__(self) -> None:
        from django.contrib.auth.models import Group, User
        from django.test import Client

        from mqadmin.core.api import tokens
        from mqadmin.core.pages import rendering

        user, _made = User.objects.get_or_create(username="bench")
        user.groups.add(Group.objects.get(name="operator"))
        self._client = Client(SERVER_NAME="localhost")
        self._client.force_login(user)
        self._token = f"Bearer {tokens.create(user=user)}"
        self._drawn = 0.0
        real = rendering.page

        def timed(*args: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return real(*args, **named)
            finally:
                self._drawn += time.perf_counter() - began

        rendering.page = timed

    def get(self, path: str, given: dict[str, Any]) -> tuple[float, float, Any]:
        """Return (milliseconds, those without the template, the answer)."""
        self._drawn = 0.0
        headers = {"Authorization": self._token} if path.startswith("/api/") else {}
        began = time.perf_counter()
        answer = self._client.get(path, given, headers=headers)
        took = time.perf_counter() - began
        if answer.status_code != 200:
            raise common.BenchmarkError(f"{path} {given}: {answer.status_code}")
        return took * 1000, (took - self._drawn) * 1000, answer

    def figures(self, ask: Ask, requests: int) -> dict[str, float]:
        """Return p50 and p95 of the requests, with and without their templates."""
        for number in range(_WARM):
            self.get(*ask(requests + number))
        taken = [self.get(*ask(number))[:2] for number in range(requests)]
        whole, bare = ([pair[place] for pair in taken] for place in (0, 1))
        return {
            "p50": statistics.median(whole),
            "p95": statistics.quantiles(whole, n=20)[-1],
            "bare_p50": statistics.median(bare),
            "bare_p95": statistics.quantiles(bare, n=20)[-1],
        }

    def paged(self) -> dict[str, float]:
        """Return what the process's memory (MB) is before, and after PAGES of 500 letters by cursor."""
        process, cursor, took = psutil.Process(), None, []
        before = 0.0
        for number in range(PAGES):
            given = {"limit": 500} | ({"cursor": cursor} if cursor else {})
            spent, _bare, answer = self.get("/api/v1/dead-letters", given)
            took.append(spent)
            cursor = answer.json()["next"]
            if number == PAGES // 10:
                before = process.memory_info().rss / 1_000_000
            if cursor is None:
                break
        return {
            "early_mb": before,
            "end_mb": process.memory_info().rss / 1_000_000,
            "page_p95": statistics.quantiles(took, n=20)[-1],
        }


def measure(given: dict[str, Any]) -> dict[str, Any]:
    """In a process of its own: fill the database that DATABASE_URL names if it is empty, and measure."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from mqadmin.deadletters.models import DeadLetter

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    letters, clock, found = Letters(), Clock(), {}
    if not DeadLetter.objects.exists():
        began = time.monotonic()
        fill(letters, given["letters"])
        found["fill_seconds"] = time.monotonic() - began
    gc.collect()
    gc.freeze()  # what makes letters here is no part of a server: its collector shall not go through it
    asks = asked(letters)
    asks |= {f"{name}_far": far(ask) for name, ask in asks.items() if ask(0)[0] == PAGE}
    for name, ask in asks.items():
        if given["figures"] and name not in given["figures"]:
            continue
        found |= {f"{name}_{key}": value for key, value in clock.figures(ask, given["requests"]).items()}
    if not given["figures"]:
        found |= clock.paged()
        found["insert_per_second"] = inserted_per_second(letters)
    connection.close()
    return found


# --- the run -----------------------------------------------------------------------------------------------


def targets(options: argparse.Namespace, bench: Bench) -> Iterator[tuple[str, str]]:
    """Yield (name, DATABASE_URL) of each database; it is there until the next is asked for."""
    if options.url:
        yield "postgres" if options.url.startswith("postgres") else "sqlite", options.url
        return
    with databases(bench, with_postgres="postgres" in options.only) as stores:
        if "sqlite" in options.only:
            yield "sqlite", stores.sqlite()
        if "postgres" in options.only:
            yield "postgres", stores.postgres_url


def load_config(amqp_url: str, management_url: str) -> BrokerConfig:
    """Return a broker that is never asked: the inbox reads the database alone."""
    return load({"RABBITMQ_URL": amqp_url, "RABBITMQ_MANAGEMENT_URL": management_url})["default"]


def report(name: str, found: dict[str, float]) -> None:
    """Print a table of one database."""
    keys = [key.removesuffix("_bare_p95") for key in found if key.endswith("_bare_p95")]
    columns = ("p50", "p95", "bare_p50", "bare_p95")
    rows = [
        (
            key,
            *(f"{found[f'{key}_{column}']:.0f}" for column in columns),
            "" if found[f"{key}_p95"] <= AT_MOST_MS else f"over {AT_MOST_MS:.0f}",
        )
        for key in keys
    ]
    heads = (name, "p50 ms", "p95 ms", "no template p50", "p95", "")
    print("\n" + common.table(heads, rows))
    rest = [key for key in found if not any(key.startswith(f"{name}_") for name in keys)]
    print("  ".join(f"{key} {found[key]:,.0f}" for key in rest), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="How quick the inbox is above a million letters.")
    parser.add_argument("--letters", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument(
        "--rounds", type=int, default=1, help="taken for the sake of `make bench`; one is enough"
    )
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgres"), default=("sqlite", "postgres"))
    parser.add_argument("--url", default="", help="a migrated database, kept; filled where it is empty")
    parser.add_argument("--figures", nargs="*", default=[], help="only these")
    options = parser.parse_args()
    given = {"letters": options.letters, "requests": options.requests, "figures": options.figures}
    with common.scratch() as folder:
        nobody = load_config("amqp://127.0.0.1:1/", "http://127.0.0.1:1/")
        bench = Bench(nobody, "/", Path(folder))
        ours: dict[str, float] = {}
        for name, url in targets(options, bench):
            found = common.run(
                bench, "benchmarks.inbox", given, bench.environ(DATABASE_URL=url), timeout=_SECONDS
            )
            report(name, found)
            ours |= {f"{name}_{key}": value for key, value in found.items()}
    common.last_line("inbox", ours, {}, {})


if __name__ == "__main__":
    if len(sys.argv) == 2 and sys.argv[1].startswith("{"):
        print(json.dumps(with_room(measure)(json.loads(sys.argv[1]))))
    else:
        main()
