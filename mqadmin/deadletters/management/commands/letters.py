"""`manage.py letters list|groups`: dead letters and their causes, for scripts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from mqadmin.core.api.paging import paginate
from mqadmin.core.api.plumbing import PageQuery
from mqadmin.core.management.printed import Columns, Printing, answer
from mqadmin.deadletters.api.causes import GroupList, causes
from mqadmin.deadletters.api.letters import LetterList
from mqadmin.deadletters.api.selections import LetterQuery, filter_of
from mqadmin.deadletters.inbox import lists

_LETTERS: Columns = {
    "ID": lambda item: item["id"],
    "CAPTURED": lambda item: item["captured_at"],
    "STATUS": lambda item: item["status"],
    "QUEUE": lambda item: item["dead_letter_queue"],
    "FROM": lambda item: item["source_queue"],
    "REASON": lambda item: item["reason"],
    "ERROR": lambda item: item["error_type"] or item["error"],
}
_GROUPS: Columns = {
    "COUNT": lambda item: item["count"],
    "LAST": lambda item: item["last_at"],
    "FROM": lambda item: item["source_queue"],
    "REASON": lambda item: item["reason"],
    "ERROR": lambda item: item["error_type"] or item["error"],
    "OWNER": lambda item: item["owner"],
    "GROUP": lambda item: item["group"],
}


class Command(Printing):
    """Exit codes: 0 some were found, 1 none, 2 it was asked wrongly."""

    help = (
        "List dead letters, the newest first, or the causes of parked ones, the most frequent first. "
        "Exit codes: 0 some were found, 1 none, 2 asked wrongly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to do, and which."""
        parser.add_argument("do", choices=["list", "groups"])
        parser.add_argument("--filter", default="", help="as the search field of the dead letters takes it")
        parser.add_argument("--queue", default="", help="the dead-letter queue")
        parser.add_argument("--source", default="", help="the queue where they died")
        parser.add_argument("--status", default="", help="parked, requeueing, requeued or discarded")
        self.list_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print them."""
        self.guarded(lambda: self._list(options))

    def _list(self, options: dict[str, Any]) -> int:
        named = {name: options[name] for name in ("broker", "queue", "source", "status")}
        wanted, as_json = LetterQuery(q=options["filter"], **named), options["json"]
        where = {"limit": options["limit"], "cursor": options["cursor"]}
        if options["do"] == "groups":
            groups = causes(PageQuery(**where), wanted)
            return self.tell(answer(GroupList, groups), _GROUPS, as_json=as_json)
        page = paginate(lists.listed(filter_of(wanted)), **where)
        return self.tell(answer(LetterList, page), _LETTERS, as_json=as_json)
