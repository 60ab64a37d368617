"""`manage.py consumers`: diff, apply, export with a file in a repository, for CI; list, start, stop for scripts.

Exit codes: 0 they are the same (or it was done), 1 they differ, 2 it could not be done. Of list, start and stop: 0
some were found, or it is done; 1 none, or it is so already; 2 it was asked wrongly.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from consumers.api.consumer_schemas import ConsumerList, consumer_out
from consumers.api.rows import find_consumer
from consumers.definitions import definitions, wording
from consumers.files import applying, document, entries, planning, truth
from consumers.files.planning import Plan
from consumers.files.telling import plan_out, production
from consumers.models import Consumer
from consumers.status import summary
from consumers.status.filtering import ConsumerSearch, choices
from consumers.status.summary import Summary
from mqadmin.core import database, unseen
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.management.printed import Columns, Printing, answer, shell

SAME, DRIFT, FAULT = 0, 1, 2
_HERE = ("list", "start", "stop")  # what is about no file


_COLUMNS: Columns = {
    "NAME": lambda item: item["name"],
    "BROKER": lambda item: item["broker"],
    "QUEUE": lambda item: item["queue"],
    "STATE": lambda item: item["status"]["state"],
    "RUNNING": lambda item: f"{item['status']['running']}/{item['status']['wanted']}",
    "HANDLED": lambda item: item["handled_last_hour"],
    "FAILED": lambda item: item["failed_last_hour"],
    "WHY": lambda item: item["status"]["reason"],
}


class Command(Printing):
    help = (
        "Compare the consumers with a file (TOML or YAML, by its name), bring them to it, or write them there; "
        "list, start or stop them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("do", choices=["diff", "apply", "export", *_HERE])
        parser.add_argument("name", nargs="?", default="", help="start, stop: of the consumer")
        parser.add_argument("--filter", default="", help="list: text in name, queue or handler")
        parser.add_argument("--state", default="", help="list: running, failed, stopped and so on; trouble")
        parser.add_argument(
            "--file", default=settings.MQADMIN_CONSUMERS_FILE, help="else MQADMIN_CONSUMERS_FILE; - is YAML"
        )
        self.list_options(parser, pages=False)
        parser.add_argument("--dry-run", action="store_true", help="apply: only say what would be done")
        parser.add_argument("--start", action="store_true", help="apply: start the new ones")
        parser.add_argument(
            "--confirm",
            default="",
            help="apply: the names of the brokers that are in production, with blanks",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["do"] in _HERE:
            if options["do"] != "list" and not options["name"]:
                raise CommandError("Name a consumer.", returncode=FAULT)
            self.guarded(lambda: self._list(options) if options["do"] == "list" else self._switch(options))
            return
        doing: dict[str, Callable[[dict[str, Any]], int]] = {
            "diff": self._diff,
            "apply": self._apply,
            "export": self._export,
        }
        if not options["file"]:
            raise CommandError(
                "Name a file: --file consumers.toml, or MQADMIN_CONSUMERS_FILE.", returncode=FAULT
            )
        try:
            code = doing[options["do"]](options)
        except Refusal as error:
            raise CommandError(_shown(error.text), returncode=FAULT) from error
        except OSError as error:
            raise CommandError(str(error), returncode=FAULT) from error
        if code:
            sys.exit(code)

    def _list(self, options: dict[str, Any]) -> int:
        wanted = ConsumerSearch.read({"q": options["filter"], "state": options["state"]})
        if wanted.state != options["state"]:
            known = ", ".join(state for state, _word in choices())
            raise CommandError(f"There is no such state. Known: {known}.", returncode=FAULT)
        rows = Consumer.objects.order_by("name")
        if options["broker"]:
            rows = rows.filter(broker=options["broker"])
        return self._show([item for item in summary.summaries(rows) if wanted.takes(item)], options)

    def _switch(self, options: dict[str, Any]) -> int:
        consumer = find_consumer(options["name"])
        if options["do"] == "start":
            definitions.start(consumer=consumer, by=shell())
        else:  # never a second time: that would kill it
            definitions.stop(consumer=consumer, by=shell(), only_running=True)
        return self._show(summary.summaries([consumer]), options)

    def _show(self, found: Sequence[Summary], options: dict[str, Any]) -> int:
        shown = found[: max(options["limit"], 0)]
        with wording.read_together(item.consumer for item in shown):
            items = [consumer_out(item, whole=False) for item in shown]
        page = {"items": items, "total": len(found), "next": None}
        return self.tell(answer(ConsumerList, page), _COLUMNS, as_json=options["json"])

    def _diff(self, options: dict[str, Any]) -> int:
        plan = _plan(options)
        self._tell(plan, options["json"])
        if plan.refused:
            return FAULT
        return DRIFT if plan.doing or plan.extra else SAME

    def _apply(self, options: dict[str, Any]) -> int:
        plan = _plan(options)
        if options["dry_run"]:
            return self._diff(options)
        in_production = production(plan)
        if in_production and options["confirm"] != in_production and not plan.refused:
            text = f'These are brokers in production: add --confirm "{in_production}".'
            raise CommandError(text, returncode=FAULT)
        database.require()
        self._tell(plan, options["json"])
        by, source = Actor(getpass.getuser()[:150], "shell"), f"file {Path(options['file']).name[:80]}"
        done = applying.apply(plan, by=by, source=source, start=options["start"])
        if not options["json"]:
            self._write(
                f"{len(done.created)} created, {len(done.changed)} changed, {len(done.started)} started."
            )
        return DRIFT if plan.extra else SAME

    def _export(self, options: dict[str, Any]) -> int:
        rows = Consumer.objects.filter(is_collector=False)
        text = document.written(entries.written(rows), truth.kind_of(options["file"]))
        if options["file"] == "-":
            self.stdout.write(text)
        else:
            Path(options["file"]).write_text(text, encoding="utf-8")
            self.stderr.write(
                f"{rows.count()} consumers. What may be a secret in options is not in it, but “•••”."
            )
        return SAME

    def _tell(self, plan: Plan, as_json: bool) -> None:
        if as_json:
            self._write(json.dumps(plan_out(plan), ensure_ascii=False, indent=2))
            return
        for step in plan.steps:
            if step.act != "same":
                self._write(f"{step.act}: {_shown(step.name)}")
            for name, text in step.errors.items():
                self._write(f"    {_shown(name)}: {_shown(text)}")
            for change in step.changes:
                self._write(f"    {_shown(change.words)}")
        for name in plan.extra:
            self._write(f"extra, left: {name}")
        self._write(f"{plan.count('same')} the same.")

    def _write(self, text: str) -> None:
        self.stdout.write(text)


def _plan(options: dict[str, Any]) -> Plan:
    name = options["file"]
    data = sys.stdin.buffer.read(document.LARGEST + 1) if name == "-" else Path(name).read_bytes()
    return planning.plan(entries.read(document.parsed(data, truth.kind_of(name))))


def _shown(text: str) -> str:
    return unseen.lines(text)
