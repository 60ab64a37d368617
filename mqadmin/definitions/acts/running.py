"""A restore carried out by a worker: batch by batch, each object judged before it is touched, all read back after.

A worker may end at any moment. What it had sent is found done by the next one, as that looks before it acts; what
was not sent is done then. Nothing that somebody changed meanwhile is overwritten.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mqadmin.core.acts import operations
from mqadmin.core.acts.operations import Run, Stopped
from mqadmin.core.models import Operation
from mqadmin.definitions.acts import doing, restoring, steps
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.acts.restoring import KIND
from mqadmin.definitions.acts.steps import Outcome
from mqadmin.definitions.comparing import kinds, secret
from mqadmin.definitions.comparing.kinds import Key, Snapshot
from mqadmin.definitions.keeping import asking, versions
from mqadmin.definitions.models import RestoreStep
from mqadmin.rabbit.errors import NoResponse, RabbitError

log = logging.getLogger(__name__)
Of = TypeVar("Of")

FIRST, SMALLEST, LARGEST = 100, 5, 500  # objects of one kind in a call
CALL_S = 3.0  # a call is to take: the lease is renewed between two
STALE_S = 60.0  # what the broker has is read again after so long


class Job:
    """One restore in the hands of a worker's thread."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.broker = run.operation.broker
        self.client = asking.client(self.broker)
        self.mask = versions.mask()
        self.rows = RestoreStep.objects.filter(operation=run.operation).order_by("number")
        self.even_full = bool(run.params.get("even_full"))
        self.size = int(run.cursor.get("size", FIRST))
        self._live: Snapshot = {}
        self._masked: Snapshot = {}
        self._read_at = 0.0
        self._vhosts = self._made_here()

    def _made_here(self) -> frozenset[str]:
        rows = self.rows.filter(act="create", kind=kinds.VHOST)
        return frozenset(steps.of(row).key.vhost for row in rows)

    def read(self) -> None:
        """Ask the broker for all that it has. Raises RabbitError."""
        self._live = asking.live(self.broker).objects
        self._masked = secret.masked(self._live, self.mask)
        self._read_at = time.monotonic()

    def carry_out(self) -> None:
        """Do all that waits. Raises Stopped, NoResponse."""
        self.give_back()
        waiting = self.rows.filter(outcome=Outcome.PENDING)
        while batch := self._batch(list(waiting[: self.size])):
            self.run.checkpoint()
            if time.monotonic() - self._read_at > STALE_S or not self._read_at:
                self.read()
            todo = self._judged(batch)
            if todo:
                self._send(todo)

    def _batch(self, rows: list[RestoreStep]) -> list[RestoreStep]:
        """Return the first of the rows that go in one call."""
        if not rows:
            return []
        first = self._sort(rows[0])
        return list(takewhile(lambda row: self._sort(row) == first, rows))

    def _sort(self, row: RestoreStep) -> tuple[bool, str]:
        return row.act == "delete", row.kind

    def _judged(self, batch: list[RestoreStep]) -> list[RestoreStep]:
        """Settle what is as it should be already, and what is another object by now; return the rest."""
        todo, settled = [], []
        for row in batch:
            step = steps.of(row)
            now = self._masked.get(step.key)
            if doing.is_so(step, now):
                row.outcome, row.text = Outcome.DONE, ""
                settled.append(row)
            elif self._is_same(step, now):
                todo.append(row)
            else:
                row.outcome, row.text = Outcome.CHANGED, _("It was changed meanwhile: it was left alone.")
                settled.append(row)
        self._save(settled)
        return todo

    def _is_same(self, step: Step, now: Any) -> bool:
        if now == step.current:
            return True
        # With a virtual host RabbitMQ makes the permissions of who makes it.
        is_new = step.act == "create" and step.key.vhost in self._vhosts
        return is_new and step.key.kind not in kinds.NOT_IN_PLACE

    def _send(self, rows: list[RestoreStep]) -> None:
        began, at = time.monotonic(), timezone.now()
        try:
            faults = self._deleted(rows) if rows[0].act == "delete" else self._made(rows)
        except NoResponse:
            # It may have been too much for one call.
            self.run.save_cursor({**self.run.cursor, "size": max(SMALLEST, self.size // 4)})
            raise
        self._resize(len(rows), max(time.monotonic() - began, 0.001))
        for row in rows:
            row.outcome, row.text = Outcome.SENT, steps.plain(faults.get(row.step, ""))
        self._save(rows, at)

    def _resize(self, count: int, took: float) -> None:
        """Have the next call take about CALL_S; a few that were quick say nothing of many."""
        fits = int(count * min(CALL_S / took, 4))
        self.size = min(LARGEST, max(SMALLEST, fits if took > CALL_S else max(fits, self.size)))

    def _made(self, rows: list[RestoreStep]) -> doing.Faults:
        todo = [steps.of(row) for row in rows]
        wanted = {step.key: step.wanted for step in todo if step.wanted is not None}
        faults = doing.made(self.client, self.mask, wanted, self._live, todo)
        return {row.step: faults[step.id] for row, step in zip(rows, todo, strict=True) if step.id in faults}

    def _deleted(self, rows: list[RestoreStep]) -> doing.Faults:
        """Delete one after the other; what a queue holds is asked again."""
        kind = rows[0].kind
        holds = self.client.messages() if kind in (kinds.QUEUE, kinds.VHOST) else {}
        if kind == kinds.TOPIC_PERMISSION:
            self._note_what_stays([steps.of(row).key for row in rows])
        faults: doing.Faults = {}
        for row in rows:
            step = doing.with_messages(steps.of(row), holds)
            for _id, text in doing.deleted(self.client, step, self.even_full).items():
                faults[row.step] = text
            self.run.checkpoint()
        self.give_back()
        return faults

    def _note_what_stays(self, going: list[Key]) -> None:
        """The management API takes all topic permissions of a user in a virtual host: note those that are to stay,
        so that a worker that goes on gives them back."""
        self.read()
        taken, gone = {(key.vhost, key.parts[0]) for key in going}, set(going)
        back = [
            body
            for key, body in self._live.items()
            if key.kind == kinds.TOPIC_PERMISSION and (key.vhost, key.parts[0]) in taken and key not in gone
        ]
        self.run.save_cursor({**self.run.cursor, "back": back})

    def give_back(self) -> None:
        """Make again what the management API took along. Raises RabbitError."""
        if back := self.run.cursor.get("back"):
            self.client.load({"topic_permissions": back})
            self.run.save_cursor({**self.run.cursor, "back": []})

    def settle(self) -> None:
        """Read back what was sent: the broker says nothing of what an import passes over. Raises RabbitError."""
        sent = self.rows.filter(outcome=Outcome.SENT)
        if not sent.exists():
            return
        self.read()
        while rows := list(sent[: steps.AT_ONCE]):  # each is something else afterwards
            found = [restoring.judged(steps.of(row), self._masked, row.text) for row in rows]
            self._settled(rows, [(item.outcome, steps.plain(item.text)) for item in found])
        self.run.progress()

    def _settled(self, rows: list[RestoreStep], found: list[tuple[str, str]]) -> None:
        """Write what was read back, and mend the counts, which went by what the broker said."""
        better = 0
        with transaction.atomic():
            for (was_fault, outcome, text), ids in _alike(
                ((bool(row.text), *item), row.pk) for row, item in zip(rows, found, strict=True)
            ).items():
                written = self.rows.filter(pk__in=ids, outcome=Outcome.SENT).update(
                    outcome=outcome, text=text
                )
                better += written * (was_fault - (outcome != Outcome.DONE))
            self.run.progress(done=better, failed=-better)
        for row, (outcome, text) in zip(rows, found, strict=True):
            if outcome != Outcome.DONE:
                self._problem(row, text)

    def _save(self, rows: list[RestoreStep], at: datetime | None = None) -> None:
        """Write outcomes and counts together; `sent` counts by what the broker said. `at`: when the call began."""
        if not rows:
            return
        failed = sum(bool(row.text) for row in rows)
        with transaction.atomic():
            for (outcome, text), ids in _alike(((row.outcome, row.text), row.pk) for row in rows).items():
                self.rows.filter(pk__in=ids).update(outcome=outcome, text=text, at=at)
            self.run.progress(done=len(rows) - failed, failed=failed)
        for row in rows:
            if row.outcome == Outcome.CHANGED:
                self._problem(row, row.text)

    def _problem(self, row: RestoreStep, text: str) -> None:
        key = steps.of(row).key
        name = " ".join(part for part in (key.kind, key.vhost, key.name) if part)
        self.run.problem(steps.plain(name), text)


def _alike(items: Iterable[tuple[Of, int]]) -> dict[Of, list[int]]:
    """Return the numbers of the rows that get the same: one write for all of them."""
    found: dict[Of, list[int]] = {}
    for of, number in items:
        found.setdefault(of, []).append(number)
    return found


@operations.runner(KIND)
def run(run: Run) -> None:
    """Carry it out; may be called again at any point (see `operations.runner`)."""
    job = Job(run)
    try:
        job.carry_out()
    except Stopped:
        with suppress(RabbitError, Stopped):
            job.settle()
        raise
    job.settle()
    _look(run.operation)


def _look(operation: Operation) -> None:
    try:
        asking.look(operation.broker)
    except RabbitError as error:
        # What was done is done; the monitor looks when the broker answers again.
        log.info("definitions of %s: not looked at after a restore: %s", operation.broker, error)
        asking.want(operation.broker)
