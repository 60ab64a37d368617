"""The supervisor: makes the processes of this host what the definitions say."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connection
from django.utils import timezone

from consumers.models import ConsumerProcess
from consumers.scaling.autoscaler import Autoscaler
from consumers.scaling.placement import Host
from consumers.supervisor import adoption, by_hand, children, deaths, reconcile, rows
from consumers.supervisor.children import Child
from consumers.supervisor.fence import Fence, Fenced
from consumers.supervisor.forking.warmed import Warmed
from consumers.supervisor.machine import output, spawn, states
from consumers.supervisor.machine.lock import AlreadySupervised
from consumers.supervisor.machine.unchanged import Unchanged
from consumers.supervisor.machine.wake import Wake
from consumers.supervisor.namesake import Namesake, words
from consumers.supervisor.reconcile import (
    Action,
    Actual,
    Desired,
    End,
    Forgive,
    Hold,
    Kill,
    Start,
    Stop,
    View,
)
from consumers.supervisor.rows import Identity
from mqadmin import __version__

LOOK_S = 0.2  # between two looks for changes
PASS_S = 1.0  # between two passes at the latest
HEARTBEAT_S = 2.0
TIDY_S = 30.0
SCALE_S = 5.0  # between two looks of autoscaling: as often as the monitor brings news
GAP_S = 5.0  # a pause this long between passes: heartbeats from before it say nothing
LAST_LINES = 50  # of a crashed process's output, kept with the event
ORPHAN_S = 30.0  # patience with a process whose row is gone, at least

log = logging.getLogger("mqadmin.supervisor")

Command = Callable[[str, int], list[str]]


class Supervisor:
    """One host's supervisor. Everything in it runs in the main thread, but for the fence.

    `command(consumer's name, row id)` gives the command line of a process. With `warmed` it is forked.
    """

    def __init__(
        self,
        name: str,
        command: Command = spawn.command,
        *,
        labels: Mapping[str, str] | None = None,
        capacity: int = 0,
        warmed: Warmed | None = None,
    ) -> None:
        self.name = name
        self._warmed = warmed
        self.namesake: Namesake | None = None  # to be ruled out before the first pass
        self.fault = ""  # why it ended without having been told to
        self.me = Identity(
            name=name,
            pid=os.getpid(),
            machine=socket.gethostname(),
            labels=dict(labels or {}),
            capacity=capacity,
            version=__version__,
        )
        self.fence = Fence()
        self._command = command
        self._vacant: Unchanged[tuple[int, int]] = Unchanged()  # replicas that nobody has
        self._silent: Unchanged[int] = Unchanged()  # rows, by their last heartbeat
        self._children: dict[int, Child] = {}
        self._definitions: Mapping[int, Desired] = {}
        self._adopted = False
        self._hosts: list[Host] = []
        self._trusted_since: datetime | None = None  # by the database's clock; None: from the next pass on
        self._last_now: datetime | None = None  # by the database's clock
        self._last_pass = time.monotonic()
        self._heartbeat_due = 0.0
        self._tidy_due = 0.0
        self._scale_due = 0.0
        self._autoscaler = Autoscaler(name)
        self._in_trouble = self._soon = False  # soon: the next pass has something to do at once

    # --- the loop --------------------------------------------------------------------------------------------

    def run(self, wake: Wake) -> None:
        """Supervise until `wake.stopping`, or until another has taken its name: then `fault` says so."""
        log.info("supervisor %s started (pid %d)", self.name, os.getpid())
        self.fence.start()
        while not wake.stopping and not self.fault:
            began, self._soon = time.monotonic(), False
            version = self._guarded(self._look_and_step)
            while not (wake.stopping or self.fault or self._soon) and time.monotonic() - began < PASS_S:
                if wake.wait(LOOK_S, self._watched() if version is not None else ()):
                    break
                if not self._in_trouble and self._guarded(rows.version) != version:
                    break

    def _watched(self) -> Sequence[int]:
        """Return descriptors that turn readable when there is something to do, and stay so until the pass."""
        ends = [child.watch for child in self._children.values() if child.watch is not None]
        return ends + (self._warmed.descriptors() if self._warmed else [])

    def _look_and_step(self) -> object:
        # Read before the pass: what changes during it is seen by the next look.
        version = rows.version()
        self.step()
        return version

    def _guarded(self, act: Callable[[], object]) -> object:
        """Return `act()`; None while the database is gone or locked, which is told once and waited out."""
        try:
            close_old_connections()
            result = act()
        except DatabaseError as error:
            if not self._in_trouble:
                log.warning("the database does not answer, consumers go on meanwhile: %s", error)
            self._in_trouble = True
            connection.close()
            return None
        except AlreadySupervised as error:
            self.fault = str(error)
            return None
        except Exception:  # whatever it is, the consumers must not lose their supervisor to it
            log.exception("a pass failed")
            return None
        if self._in_trouble:
            log.info("the database answers again")
            self._in_trouble = False
            self._trusted_since = None
        return result

    def step(self) -> None:
        """Make one pass: compare what should run with what does, and act.

        Raises DatabaseError, and AlreadySupervised when another supervisor has this one's name.
        """
        if self.namesake is not None and not self.namesake.is_gone():
            return
        self.namesake = None
        now = rows.database_now()
        trusted_since = self._trust(now)
        self._report()
        self._hosts = rows.hosts(now)  # each time: who was drained a moment ago takes nothing any more
        visible = rows.visible()
        if not self._adopted:
            self._children.update(adoption.adopt(self.name, visible))
            self._adopted = True
        definitions = rows.desired(now)
        self._definitions = {definition.consumer: definition for definition in definitions}
        silent = self._silent.look({row.pk: row.heartbeat_at for row in visible})
        actual = [self._actual(row, rows.lapsed(row, now, trusted_since), silent[row.pk]) for row in visible]
        self._drop_orphans({row.pk for row in visible})
        view = View(
            now=now,
            trusted_since=trusted_since,
            me=self.name,
            hosts=self._hosts,
            waited=self._vacant.look(dict.fromkeys(reconcile.vacant(definitions, actual))),
            starting=sum(
                item.mine and item.alive is True and reconcile.is_starting(item, now) for item in actual
            ),
        )
        for action in self._actions(definitions, actual, view):
            self._apply(action)
        by_hand.kill_as_asked(socket.gethostname())
        self._scale(now)
        self._tidy()

    def _actions(
        self, definitions: Sequence[Desired], actual: Sequence[Actual], view: View
    ) -> Sequence[Action]:
        """Return what to do; without what would be started, while that is to be forked and cannot be yet."""
        actions = reconcile.reconcile(definitions, actual, view)
        if self._warmed is None:
            return actions
        self._warmed.reap([child.pid for child in self._children.values()])
        self._warmed.keep(wanted=bool(definitions))
        starts = any(isinstance(action, Start) for action in actions)
        if starts and self._warmed.is_worth_waiting(alone=len(self._hosts) <= 1):
            return reconcile.reconcile(definitions, actual, replace(view, starting=reconcile.START_AT_ONCE))
        return actions

    def _trust(self, now: datetime) -> datetime:
        """Return since when silence means something: a pass that comes late has missed what was said.

        So has one after the database's clock was set, as when another server took over: by it the leases of all
        hosts are over at once.
        """
        moment = time.monotonic()
        passed, self._last_pass = moment - self._last_pass, moment
        jumped = (now - self._last_now).total_seconds() - passed if self._last_now else 0.0
        self._last_now = now
        if self._trusted_since is None or passed > GAP_S or jumped > GAP_S or now < self._trusted_since:
            self._trusted_since = now
        return self._trusted_since

    def _report(self) -> None:
        """Show that this host lives, and renew what it holds."""
        began = time.monotonic()
        if began < self._heartbeat_due:
            return
        other = rows.present(self.me, first=not self._heartbeat_due)
        if other is not None:
            raise AlreadySupervised(words(self.name, other.machine, other.pid))
        rows.renew(self.name)
        self.fence.renewed(began, self._fenced(), others=len(self._hosts) > 1)
        self._heartbeat_due = began + HEARTBEAT_S

    def _fenced(self) -> dict[int, Fenced]:
        """What this host has to let go when it loses its leases. With SQLite there is no other host."""
        if connection.vendor == "sqlite":
            return {}
        return {
            process_id: Fenced(child.pid, child.created, strict=child.strict)
            for process_id, child in self._children.items()
        }

    def _scale(self, now: datetime) -> None:
        """Decide for the autoscaled consumers, if that is this supervisor's part."""
        if time.monotonic() >= self._scale_due:
            self._scale_due = time.monotonic() + SCALE_S
            self._autoscaler.step(now)

    def _tidy(self) -> None:
        if time.monotonic() >= self._tidy_due:
            output.bound(set(self._children))
            by_hand.close_silent()
            self._tidy_due = time.monotonic() + TIDY_S

    # --- what there is ---------------------------------------------------------------------------------------

    def _actual(self, row: ConsumerProcess, lapsed: float, silent: float) -> Actual:
        mine = row.supervisor == self.name
        child = self._children.get(row.pk)
        alive = child.is_alive() if child is not None else False
        definition = self._definitions.get(row.consumer_id)
        if child is not None and definition is not None:
            child.stop_seconds = definition.stop_seconds
            child.strict = definition.strict
        if child is not None and not alive:
            row.refresh_from_db()  # it may have written its last words just before it ended
            row.processed = max(row.processed, rows.handled(row.pk))  # its row may lag behind by a heartbeat
        return Actual(
            id=row.pk,
            consumer=row.consumer_id,
            replica=row.replica,
            state=row.state,
            mine=mine,
            alive=alive if mine else None,
            host=row.supervisor,
            lapsed=lapsed,
            exit=children.exit_of(row, child) if mine and not alive else None,
            killed=child is not None and bool(child.kill_reason),
            nudge=row.nudge,
            started_at=row.started_at,
            subscribed_at=row.subscribed_at,
            heartbeat_at=row.heartbeat_at,
            connected=row.connected_at is not None,
            next_start_at=row.next_start_at,
            stop_requested_at=row.stop_requested_at,
            stopping_for=None
            if child is None or child.stop_sent is None
            else time.monotonic() - child.stop_sent,
            silent_for=silent,
            kill_requested_at=row.kill_requested_at,
            processed=row.processed,
            restarts=row.restarts,
            crashes=row.crashes,
            early_deaths=row.early_deaths,
            kills=row.kills,
            kills_since=row.kills_since,
        )

    def _drop_orphans(self, visible: set[int]) -> None:
        """Stop processes whose row was deleted, or closed by another host that took over."""
        for process_id, child in list(self._children.items()):
            if process_id in visible:
                continue
            if not child.is_alive():
                del self._children[process_id]
            elif child.stop_sent is None:
                log.warning("process %d has no open row any more: stopping it", child.pid)
                child.stop()
            elif time.monotonic() - child.stop_sent > max(ORPHAN_S, child.stop_seconds):
                child.kill("its row is gone")

    # --- acting ----------------------------------------------------------------------------------------------

    def _apply(self, action: Action) -> None:
        """Carry out one action. Only a database that is gone ends the pass: one bad consumer must not."""
        try:
            match action:
                case Start():
                    self._start(action)
                case Stop():
                    self._stop(action)
                case Kill():
                    self._kill(action)
                case End():
                    self._end(action)
                case Hold():
                    self._hold(action)
                case Forgive():
                    rows.forgiven(action.process)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("could not carry out %s", action)

    def _start(self, action: Start) -> None:
        definition = self._definitions[action.consumer]
        row = rows.claim(action, definition, self.name)
        if row is None:
            return
        command = self._command(definition.name, row.pk)
        try:
            forked = self._warmed.fork(command, row.pk) if self._warmed else None
            started = forked or spawn.start(command, row.pk, self.name)
        except OSError as error:
            crashes = action.crashes + 1
            at = timezone.now() + timedelta(seconds=deaths.backoff(crashes))
            words = f"cannot be started: {error.strerror or error}"
            self._hold(Hold(row.pk, "backoff", words, at, crashes, action.early_deaths))
            return
        child = children.started(row.pk, started)
        child.stop_seconds = definition.stop_seconds
        child.strict = definition.strict
        self._children[row.pk] = child
        rows.spawned(row.pk, child.pid, child.created)
        rows.event(row.pk, "started", f"Process {child.pid} was started on {self.name}")
        log.info("%s: started process %d", definition.name, child.pid)

    def _stop(self, action: Stop) -> None:
        child = self._children[action.process]
        child.stop()
        rows.stop_requested(action.process)
        log.info("asked process %d to stop: %s", child.pid, action.reason)

    def _kill(self, action: Kill) -> None:
        child = self._children[action.process]
        child.kill(action.reason)
        log.warning("process %d: %s", child.pid, action.reason)
        rows.event(action.process, "killed", f"Process {child.pid} was {action.reason}")

    def _end(self, action: End) -> None:
        rows.ended(action.process, action.state, action.reason)
        self._children.pop(action.process, None)  # its end is written: an event that fails must not repeat it
        rows.event(action.process, action.state, f"{action.state.capitalize()}: {action.reason}")

    def _hold(self, action: Hold) -> None:
        rows.held(action)
        self._soon = action.start_at is not None and action.start_at <= timezone.now()
        self._children.pop(action.process, None)  # as above: else the next pass counts the same crash again
        kind = "failed" if action.state == states.FAILED else "killed" if action.kills else "crashed"
        rows.event(action.process, kind, action.reason, output.last_lines(action.process, LAST_LINES))
        log.warning("row %d: %s: %s", action.process, kind, action.reason)

    # --- the end ---------------------------------------------------------------------------------------------

    def finish(self, wake: Wake, *, stop_consumers: bool) -> None:
        """End supervising. Consumers go on (a later supervisor adopts them) unless `stop_consumers`.

        Those are asked at once, given their `stop_seconds` but at most children.EXIT_S, then killed. What the
        definitions want is not changed.
        """
        if self._warmed is not None:
            self._warmed.close()
        if stop_consumers:
            children.stop_all(list(self._children.values()), wake)
        try:
            if stop_consumers:
                for process_id, child in self._children.items():
                    words = child.exit.words if child.exit else "killed"
                    rows.ended(process_id, states.STOPPED, f"stopped with the supervisor ({words})")
            self._autoscaler.resign()
            rows.absent(self.me)
            self.fence.close()
        except DatabaseError as error:
            log.warning("the end could not be written: %s", error)
        left = "" if stop_consumers else f", {len(self._children)} consumer processes go on"
        log.info("supervisor %s stopped%s", self.name, left)
