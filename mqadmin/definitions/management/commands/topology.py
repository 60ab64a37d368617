"""`manage.py topology diff|apply|export`: a broker's definitions and a file in a repository, for CI.

Exit codes: 0 they are the same (or the export was written), 1 they differ, 2 it could not be done.
"""

from __future__ import annotations

import getpass
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mqadmin.core import brokers, database, unseen
from mqadmin.core.acts import operations
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Awaits, Refusal
from mqadmin.core.models import Operation
from mqadmin.definitions.acts import restoring, sources, steps
from mqadmin.definitions.acts.planning import DANGEROUS, Scope, Step
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing import differing, kinds
from mqadmin.definitions.comparing.kinds import Snapshot
from mqadmin.definitions.models import RestoreStep
from mqadmin.definitions.pages import words
from mqadmin.definitions.pages.telling import difference_out, result_out, step_out
from mqadmin.rabbit.errors import RabbitError

SAME, DRIFT, FAULT = 0, 1, 2
_LOOK_S = 0.5


class Command(BaseCommand):
    _said = ""
    help = "Compare a broker's definitions with a file, bring them to it, or write them there."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("do", choices=["diff", "apply", "export"])
        parser.add_argument("file", help="a file of definitions; - is standard input or output")
        parser.add_argument(
            "--broker", default="", help="its name in brokers.toml; may be left out where there is one"
        )
        parser.add_argument("--vhost", help="only this virtual host")
        parser.add_argument("--json", action="store_true", help="write what was found as JSON")
        parser.add_argument("--dry-run", action="store_true", help="apply: only say what would be done")
        parser.add_argument(
            "--prune",
            action="store_true",
            help="apply: also delete what the file does not have; never queues, virtual hosts and users",
        )
        parser.add_argument(
            "--confirm", default="", help="apply: the name of the broker, where it is in production"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        doing: dict[str, Callable[[str, dict[str, Any]], int]] = {
            "diff": self._diff,
            "apply": self._apply,
            "export": self._export,
        }
        try:
            slug = options["broker"] or _only_broker()
            brokers.config(slug)
            code = doing[options["do"]](slug, options)
        except Refusal as error:
            raise CommandError(error.text, returncode=FAULT) from error
        except (RabbitError, OSError) as error:
            raise CommandError(str(error), returncode=FAULT) from error
        if code:
            sys.exit(code)

    def _diff(self, slug: str, options: dict[str, Any]) -> int:
        wanted, scope, sections = _wanted(options)
        there = sources.now(slug)
        then = restoring.masked(wanted.objects)
        found = [
            item
            for item in differing.differences(_only(there.objects, sections), then)
            if scope.holds(item.key)
        ]
        if options["json"]:
            told = {
                "same": not found,
                "not_compared": there.passing,
                "differences": [*map(difference_out, found)],
            }
            self._write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            for item in found:
                self._write(words.difference(item))
            for line in differing.lines(found):
                self._write(line)
            self._write(f"{slug} → {wanted.called}: {words.totals(differing.counted(found))}")
        return DRIFT if found else SAME

    def _apply(self, slug: str, options: dict[str, Any]) -> int:
        wanted, scope, sections = _wanted(options)
        plan = [step for step in restoring.steps(slug, wanted, scope=scope) if step.key.kind in sections]
        chosen = [step for step in plan if _is_chosen(step, prune=options["prune"])]
        if options["dry_run"] or not chosen:
            self._tell_steps(plan, chosen, options["json"])
            return DRIFT if plan else SAME
        if brokers.environment(slug) == "production" and options["confirm"] != slug:
            raise CommandError(f"This is a production broker: add --confirm {slug}.", returncode=FAULT)
        database.require()
        try:
            operation = restoring.start(
                broker=slug,
                wanted=wanted,
                scope=scope,
                chosen={step.id for step in chosen},
                by=Actor(getpass.getuser()[:150], "shell"),
            )
        except Awaits as waits:
            self.stderr.write(f"{waits.text} {waits.href}")
            return DRIFT
        results = self._carried_out(operation)
        left = _left(plan, chosen)
        if options["json"]:
            told = {"results": [*map(result_out, results)], "left": [*map(step_out, left)]}
            self._write(json.dumps(told, ensure_ascii=False, indent=2))
        else:
            for result in results:
                self._write(
                    f"{result.outcome}: {words.act(result.step)} {words.called(result.step.key)} {result.text}"
                )
            self._tell_left(left)
        if any(result.outcome != "done" for result in results):
            return FAULT
        return DRIFT if left else SAME

    def _carried_out(self, operation: Operation) -> list[Result]:
        """Carry it out here, or wait for the worker that was faster; return what became of each object."""
        try:
            while operation.status in Operation.OPEN:
                if not operations.execute(operation.pk):
                    time.sleep(_LOOK_S)
                operation.refresh_from_db()
                if operation.error and operation.error != self._said:
                    self._said = operation.error
                    self.stderr.write(operation.error)
        except KeyboardInterrupt:
            operations.cancel(operation=operation, by=Actor(operation.created_by, "shell"))
            raise CommandError("Cancelled. What is done stays done.", returncode=FAULT) from None
        return [steps.result(row) for row in RestoreStep.objects.filter(operation=operation)]

    def _tell_steps(self, plan: Sequence[Step], chosen: Sequence[Step], as_json: bool) -> None:
        if as_json:
            told = {"steps": [*map(step_out, plan)], "would_do": [step.id for step in chosen]}
            self._write(json.dumps(told, ensure_ascii=False, indent=2))
            return
        for step in chosen:
            self._write(f"would {words.act(step)}: {words.called(step.key)} {words.why(step)}")
        self._tell_left(_left(plan, chosen))

    def _tell_left(self, left: Sequence[Step]) -> None:
        for step in left:
            extra = "extra, left" if step.act == "delete" else words.act(step)
            self._write(f"{extra}: {words.called(step.key)} {words.why(step)}")

    def _export(self, slug: str, options: dict[str, Any]) -> int:
        source = sources.now(slug)
        told = sources.exported(source, vhost=options["vhost"])
        text = json.dumps(told, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        if options["file"] == "-":
            self.stdout.write(text)
            return SAME
        Path(options["file"]).write_text(text, encoding="utf-8")
        self.stderr.write(
            f"{slug}: {words.kinds_counted(_counts(told))}. No password and no password hash is in it; objects "
            f"that come and go with clients ({source.passing}) are not."
        )
        return SAME

    def _write(self, text: str) -> None:
        self.stdout.write(unseen.lines(text).rstrip() if "\n" not in text else text)


def _only_broker() -> str:
    known = list(brokers.configs())
    if len(known) != 1:
        raise CommandError("Name the broker: --broker SLUG.", returncode=FAULT)
    return known[0]


def _wanted(options: dict[str, Any]) -> tuple[Wanted, Scope, frozenset[str]]:
    """Return what the file wants, which part is meant, and the kinds that it speaks of: a section that it does not
    have is not compared, an empty one says that there should be none."""
    data = sys.stdin.buffer.read() if options["file"] == "-" else Path(options["file"]).read_bytes()
    told = sources.parsed(data)
    read = sources.of_document(told, vhost=options["vhost"])
    sections = frozenset(kind for kind, section in kinds.SECTIONS.items() if section in told)
    if options["vhost"] and any(key.kind == kinds.VHOST for key in read.objects):
        sections |= {kinds.VHOST}
    return Wanted(read.objects, f"file {Path(options['file']).name}"), Scope(vhost=options["vhost"]), sections


def _only(objects: Snapshot, sections: frozenset[str]) -> Snapshot:
    return {key: body for key, body in objects.items() if key.kind in sections}


def _is_chosen(step: Step, *, prune: bool) -> bool:
    if step.act == "delete":
        return prune and step.key.kind not in DANGEROUS
    return step.can_be_done


def _left(plan: Sequence[Step], chosen: Sequence[Step]) -> list[Step]:
    ids = {step.id for step in chosen}
    return [step for step in plan if step.id not in ids]


def _counts(told: dict[str, Any]) -> dict[str, int]:
    names = {section: kind for kind, section in reversed(kinds.SECTIONS.items())}
    return {names[section]: len(items) for section, items in told.items() if section in names}
