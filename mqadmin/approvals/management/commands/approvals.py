"""`manage.py approvals list`: what waits for a second person, for scripts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from mqadmin.approvals.api.approvals import ApprovalList, ApprovalQuery, found
from mqadmin.core.management.printed import Columns, Printing, answer

_COLUMNS: Columns = {
    "ID": lambda item: item["id"],
    "BROKER": lambda item: item["broker"],
    "STATUS": lambda item: item["status"],
    "WHAT": lambda item: item["summary"],
    "MESSAGES": lambda item: item["messages"],
    "OBJECTS": lambda item: item["objects"],
    "ASKED BY": lambda item: item["asked_by"],
    "UNTIL": lambda item: item["expires_at"],
}


class Command(Printing):
    """Exit codes: 0 some were found, 1 none, 2 it was asked wrongly."""

    help = (
        "List what waits for a second person. They agree on its page or through the API: a shell has no account, "
        "and so cannot be a second one. Exit codes: 0 some were found, 1 none, 2 asked wrongly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to do, and which."""
        parser.add_argument("do", choices=["list"])
        parser.add_argument("--status", default="waiting", help="waiting (else), done, refused, expired ...")
        self.list_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print them."""
        self.guarded(lambda: self._list(options))

    def _list(self, options: dict[str, Any]) -> int:
        wanted = ApprovalQuery(
            broker=options["broker"],
            status=options["status"],
            limit=options["limit"],
            cursor=options["cursor"],
        )
        return self.tell(answer(ApprovalList, found(wanted)), _COLUMNS, as_json=options["json"])
