"""`manage.py alerts list|acknowledge`: what fires, for scripts and whoever is on call in a shell."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from mqadmin.alerts.acts import incidents as acts
from mqadmin.alerts.api.incidents import IncidentList, IncidentQuery, found, the_incident
from mqadmin.core.management.printed import DONE, FAULT, Columns, Printing, answer, shell

_COLUMNS: Columns = {
    "ID": lambda item: item["id"],
    "OPENED": lambda item: item["opened_at"],
    "SEVERITY": lambda item: item["severity"],
    "STATE": lambda item: item["state"],
    "BROKER": lambda item: item["broker"],
    "FIRING": lambda item: item["firing"],
    "WHAT": lambda item: item["title"],
    "BY": lambda item: item["acknowledged_by"],
}


class Command(Printing):
    """Exit codes: 0 some were found, or it is done; 1 none, or somebody was faster; 2 it was asked wrongly."""

    help = (
        "List alerts, the newest first, or say that you look after one. "
        "Exit codes: 0 some were found, or it is done; 1 none, or somebody was faster; 2 asked wrongly."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what to do, and which."""
        parser.add_argument("do", choices=["list", "acknowledge"])
        parser.add_argument("id", nargs="?", type=int, help="acknowledge: of the alert")
        parser.add_argument("--state", choices=["firing", "resolved", "any"], default="firing")
        self.list_options(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print them, or acknowledge one."""
        if options["do"] == "acknowledge" and options["id"] is None:
            raise CommandError("Name an alert: alerts acknowledge ID.", returncode=FAULT)
        self.guarded(lambda: self._list(options) if options["do"] == "list" else self._acknowledge(options))

    def _list(self, options: dict[str, Any]) -> int:
        state = None if options["state"] == "any" else options["state"]
        where = {"limit": options["limit"], "cursor": options["cursor"]}
        wanted = IncidentQuery(state=state, broker=options["broker"] or None, **where)
        return self.tell(answer(IncidentList, found(wanted)), _COLUMNS, as_json=options["json"])

    def _acknowledge(self, options: dict[str, Any]) -> int:
        row = acts.acknowledge(incident=the_incident(options["id"]), by=shell())
        page = {"items": [row], "total": 1, "next": None}
        self.tell(answer(IncidentList, page), _COLUMNS, as_json=options["json"])
        return DONE
