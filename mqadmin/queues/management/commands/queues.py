"""`manage.py queues list`: queues as the monitor saw them last, for scripts."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from mqadmin.core.management.printed import Columns, Printing, answer
from mqadmin.queues.api.queues import QueueList, QueueQuery, found

_COLUMNS: Columns = {
    "ID": lambda item: item["id"],
    "BROKER": lambda item: item["broker"],
    "VHOST": lambda item: item["vhost"],
    "QUEUE": lambda item: item["name"],
    "HEALTH": lambda item: item["health"]["level"],
    "READY": lambda item: item["ready"],
    "UNACKED": lambda item: item["unacked"],
    "CONSUMERS": lambda item: item["consumers"],
    "WHY": lambda item: item["health"]["reasons"][0]["text"] if item["health"]["reasons"] else "",
}


class Command(Printing):
    """Exit codes: 0 some were found, 1 none, 2 it was asked wrongly."""

    help = (
        "List queues, by a search as the page has it. Exit codes: 0 some were found, 1 none, 2 asked wrongly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to do, and which."""
        parser.add_argument("do", choices=["list"])
        parser.add_argument("--filter", default="", help="such as 'health:broken ready>1000 -name:/^amq/'")
        parser.add_argument(
            "--sort", default="name", help="a field, '-' before it for descending: --sort=-ready"
        )
        self.list_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print them."""
        self.guarded(lambda: self._list(options))

    def _list(self, options: dict[str, Any]) -> int:
        wanted = QueueQuery(
            broker=options["broker"] or None,
            filter=options["filter"],
            sort=options["sort"],
            limit=options["limit"],
            cursor=options["cursor"],
        )
        return self.tell(answer(QueueList, found(wanted)), _COLUMNS, as_json=options["json"])
