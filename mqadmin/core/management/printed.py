"""What the commands for scripts share: lists as a table or as the API's JSON, acts by the shell, exit codes."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from ninja import Schema
from ninja.responses import NinjaJSONEncoder

from mqadmin.core import database, unseen
from mqadmin.core.acts.audit import Actor
from mqadmin.core.api.plumbing import ApiError
from mqadmin.core.errors import Refusal
from mqadmin.given import Unusable
from mqadmin.rabbit.errors import RabbitError

DONE, NONE, FAULT = (
    0,
    1,
    2,
)  # done, or something found; refused, or nothing found; asked wrongly, or cannot be
_WIDEST = 60  # characters of a cell
Columns = Mapping[str, Callable[[dict[str, Any]], object]]


def answer(schema: type[Schema], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the API would answer, in JSON's types: times as it writes them."""
    text = json.dumps(schema.model_validate(found).model_dump(), cls=NinjaJSONEncoder)
    told: dict[str, Any] = json.loads(text)
    return told


def shell() -> Actor:
    """Return who acts in a shell, as the audit log names them."""
    return Actor(getpass.getuser()[:150], "shell")


class Printing(BaseCommand):
    """A command that says what it found or did."""

    def list_options(self, parser: CommandParser, *, pages: bool = True) -> None:
        """Add what every list takes; `pages`: it goes on behind a cursor."""
        parser.add_argument(
            "--broker", default="", help="its name in brokers.toml; else all, or the only one"
        )
        parser.add_argument("--limit", type=int, default=50, help="at most so many (50)")
        if pages:
            parser.add_argument("--cursor", help="go on there: the `next` of the page before")
        parser.add_argument("--json", action="store_true", help="the answer of the API's call, as JSON")

    def guarded(self, act: Callable[[], int]) -> None:
        """Run it and end with its exit code: 1 where a service says no, 2 where it was asked wrongly."""
        try:
            database.require()
            code = act()
        except Unusable as error:
            raise CommandError(str(error).removeprefix("mqadmin: "), returncode=FAULT) from error
        except Error as error:
            raise CommandError(database.words(error), returncode=FAULT) from error
        except Refusal as error:
            # 409: not as things are now. Any other: what was asked makes no sense.
            code = NONE if error.status == 409 else FAULT
            raise CommandError(unseen.lines(error.text), returncode=code) from error
        except ApiError as error:
            raise CommandError(unseen.lines(error.detail), returncode=FAULT) from error
        except RabbitError as error:
            raise CommandError(unseen.lines(str(error)), returncode=FAULT) from error
        if code:
            sys.exit(code)

    def tell(self, page: Mapping[str, Any], columns: Columns, *, as_json: bool) -> int:
        """Print an `answer` of a list; return 1 where there is none."""
        items: Sequence[dict[str, Any]] = page["items"]
        if as_json:
            self.stdout.write(json.dumps(page, ensure_ascii=False, indent=2))
            return DONE if items else NONE
        rows = [[_cell(value(item)) for value in columns.values()] for item in items]
        widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
        for row in [list(columns), *rows] if rows else []:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())
        if page["next"] or page["total"] > len(items):
            more = f"--cursor {page['next']}" if page["next"] else "--limit"
            self.stderr.write(f"{len(items)} of {page['total']}: {more} shows more.")
        return DONE if items else NONE


def _cell(value: object) -> str:
    if value is None:
        return "-"
    text = unseen.plain(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
