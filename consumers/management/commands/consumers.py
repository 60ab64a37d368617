"""`manage.py consumers diff|apply|export`: the consumers and a file in a repository, for CI.

Exit codes: 0 they are the same (or the export was written), 1 they differ, 2 it could not be done.
"""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from consumers.files import applying, document, entries, planning, truth
from consumers.files.planning import Plan
from consumers.files.telling import plan_out, production
from consumers.models import Consumer
from mqadmin.core import database, unseen
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal

SAME, DRIFT, FAULT = 0, 1, 2


class Command(BaseCommand):
    help = "Compare the consumers with a file (TOML or YAML, by its name), bring them to it, or write them there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("do", choices=["diff", "apply", "export"])
        parser.add_argument(
            "--file", default=settings.MQADMIN_CONSUMERS_FILE, help="else MQADMIN_CONSUMERS_FILE; - is YAML"
        )
        parser.add_argument("--json", action="store_true", help="write what was found as JSON")
        parser.add_argument("--dry-run", action="store_true", help="apply: only say what would be done")
        parser.add_argument("--start", action="store_true", help="apply: start the new ones")
        parser.add_argument(
            "--confirm",
            default="",
            help="apply: the names of the brokers that are in production, with blanks",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
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
