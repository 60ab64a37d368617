"""The steps of a conversion on the broker. Each looks first, and does what lacks: done twice it does no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.administration.converting import planning
from mqadmin.core import brokers
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import deleting, moving
from mqadmin.queues.acts.moving import Pour
from mqadmin.queues.models import Broker, Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration.queue_arguments import TYPE
from mqadmin.rabbit.errors import ChannelLost, NoResponse, NotFound
from mqadmin.rabbit.types import NO_VALUE, QueueInfo

SETTLED_SECONDS = 12.0  # so long it is waited for that messages in other hands come back
ATTEMPTS = 50  # to find the queue empty at the moment when it is deleted
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Job:
    """One conversion: the queue's name, the temporary queue's, and the operation in hand."""

    run: Run
    queue: Queue
    name: str
    temporary: str

    @classmethod
    def of(cls, run: Run) -> Job:
        """Return the job of an operation; the row of a queue that is away for long may be gone."""
        broker = Broker.objects.get(slug=run.operation.broker)
        queue = Queue(broker=broker, vhost=run.params["vhost"], name=run.params["name"])
        return cls(run, queue, queue.name, run.params["temporary"])

    @property
    def slug(self) -> str:
        return self.queue.broker.slug

    @property
    def wanted(self) -> Mapping[str, Any]:
        return dict(self.run.params["wanted"])

    @property
    def bindings(self) -> list[dict[str, Any]]:
        """What the queue is bound with: as it was right before it went, else as it was at the beginning."""
        return list(self.run.cursor.get("bindings", self.run.params["bindings"]))

    def note_bindings(self) -> None:
        """Keep what the queue is bound with now, once: one that a client declares meanwhile has less."""
        if "bindings" not in self.run.cursor and not self.run.params.get("noted"):
            found = planning.bindings(brokers.client(self.slug), self.queue.vhost, self.name)
            self.run.save_cursor({**self.run.cursor, "bindings": found})

    def info(self, name: str) -> QueueInfo | None:
        """Return a queue as it is, None where there is none. Raises NoResponse where that is not sure.

        A broker that starts, and one whose node with the queue is down, say that there is none
        (rabbit_amqqueue:not_found/1): taken for true, what is in it would be left behind.
        """
        try:
            return brokers.client(self.slug).queue(self.queue.vhost, name).info
        except NotFound:
            try:
                self.ready(name)
            except NotFound as error:
                if "home node" in str(error):
                    raise NoResponse(str(error)) from error
                return None
        raise NoResponse(
            _("The broker says of “%(queue)s” that it is there, and that it is not.") % {"queue": name}
        )

    def ready(self, name: str) -> int:
        return amqp.counts(brokers.config(self.slug), self.queue.vhost, name)[0]

    def consumers(self, name: str) -> int:
        """Return how many consume; 0 where there is no such queue."""
        try:
            return amqp.counts(brokers.config(self.slug), self.queue.vhost, name)[1]
        except NotFound:
            return 0

    def wait_until(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Return whether it holds within so many seconds."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                return False
            self.run.rest(_LOOK_SECONDS)
        return True

    def is_wanted(self, info: QueueInfo) -> bool:
        """Whether a queue is what it is to become."""
        plain = {name: value for name, value in info.arguments.items() if name != TYPE}
        wanted = {name: value for name, value in self.wanted["arguments"].items() if name != TYPE}
        return (info.type, info.durable, plain) == (self.wanted["type"], self.wanted["durable"], wanted)

    def pour(self, source: str, to: str) -> None:
        """Move all that is in one queue to the other, in order; the first stays empty only if nobody publishes."""
        row = Queue(broker=self.queue.broker, vhost=self.queue.vhost, name=source)
        while ready := self.ready(source):
            self.run.checkpoint()
            if not moving.pour(self.run, Pour(row, to), ready):
                break

    def settle(self, name: str) -> None:
        """Wait until nobody holds a message of a queue that is empty; raise GaveUp where somebody goes on to, and
        where that cannot be known."""
        left = self._held(name)
        if left is None:
            raise GaveUp(deleting.not_known(name))
        if left:
            text = _(
                "%(n)s messages of “%(queue)s” are with somebody who has not acked them. Go on once they are."
            )
            raise GaveUp(text % {"n": number(left), "queue": name})

    def _held(self, name: str) -> int | None:
        """Return how many are unacked, by statistics that are younger than the moment at which nothing was ready;
        None where the broker keeps none.

        A classic queue counts itself as empty while messages that were got are not acked, and drops them when it
        is deleted (rabbit_variable_queue:is_empty/1, tried on 3.10.8 and 4.3.6).
        """

        def held() -> int | None:
            info = self.info(name)
            return info.unacked if info else 0

        self.run.rest(deleting.STATISTICS_SECONDS)
        return 0 if self.wait_until(lambda: held() == 0, SETTLED_SECONDS) else held()


def finish(job: Job) -> None:
    """Only of what undoes: have what is on its way back arrive first, as it is the tail."""
    if job.run.params.get("finish") and job.info(job.temporary) and job.info(job.name):
        job.pour(job.temporary, job.name)


def make_temporary(job: Job) -> None:
    """Declare the temporary queue: quorum, with where the letters of the queue go, bound to nothing."""
    if job.info(job.temporary) is not None:
        return
    info = job.info(job.name)
    if info is not None and job.is_wanted(info):
        return  # undone before anything was done
    if unsafe := planning.unsafe(brokers.client(job.slug), job.queue.vhost, job.temporary):
        raise GaveUp(unsafe)
    client, vhost, trial = brokers.client(job.slug), job.queue.vhost, f"{job.temporary}.trial"
    client.declare_queue(vhost, trial, **_properties(job))  # it would be too late to learn that it is refused
    client.call("DELETE", "queues", vhost, trial)
    arguments = {TYPE: "quorum", **job.run.params["letters"]}
    client.declare_queue(vhost, job.temporary, arguments=arguments)


def move_out(job: Job) -> None:
    """Empty the queue into the temporary one, where it is still what it was."""
    if job.info(job.temporary) is not None and job.info(job.name) is not None:
        job.pour(job.name, job.temporary)


def replace(job: Job) -> None:
    """Delete the queue once it is empty and unused, and declare it anew at once; bound the same.

    The temporary queue is bound the same before, so that what exchanges pass on is never without a queue: what
    comes between that and the deletion comes twice. What is published by the queue's name between deletion and
    declaration finds no queue.
    """
    info = job.info(job.name)
    if job.info(job.temporary) is None:
        if info is None or not job.is_wanted(info):
            raise GaveUp(_("“%(queue)s” is gone: somebody deleted it.") % {"queue": job.temporary})
        return
    has_old = info is not None and not job.is_wanted(info)
    if has_old:
        job.note_bindings()
    _bind(job, job.temporary)
    if (
        has_old
    ):  # what comes from now on is in both: only what was there before must not be in somebody's hands
        job.pour(job.name, job.temporary)
        job.settle(job.name)
    why = ""
    for _attempt in range(ATTEMPTS):
        job.run.checkpoint()
        info = job.info(job.name)
        if info is not None and job.is_wanted(info):
            break
        if info is not None and job.ready(job.name):
            job.pour(job.name, job.temporary)
            continue
        why = _swap(job, info)
        if not why:
            break
        job.run.rest(_LOOK_SECONDS)
    else:
        text = _(
            "Somebody publishes to it or consumes from it again and again. Stop them, then go on. %(why)s"
        )
        raise GaveUp(text % {"why": why})
    _bind(job, job.name)


def _swap(job: Job, info: QueueInfo | None) -> str:
    """Delete and declare on one channel; return why it was not done, "" if it was. The broker itself checks that a
    classic queue is empty and unused; a quorum queue knows no such condition, and was looked at a moment ago.
    A client may declare the queue as it was in between: then it is deleted again."""
    if info is not None and info.type != "classic" and job.consumers(job.name):
        return _("Somebody consumes from it.")
    is_made = False
    try:
        with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
            if info is not None:
                is_classic = info.type == "classic"
                channel.queue_delete(job.name, if_empty=is_classic, if_unused=is_classic)
            channel.queue_declare(job.name, **_properties(job))
            is_made = True
            for item in job.bindings:
                channel.queue_bind(job.name, **binding(item))
    except (ChannelLost, NotFound) as error:
        return "" if is_made else str(error)  # `_bind` sees to what is not bound
    return ""


def _properties(job: Job) -> dict[str, Any]:
    wanted = job.wanted
    return {name: wanted[name] for name in ("durable", "auto_delete", "arguments")}


def binding(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a binding as pika takes it, numbers as wide as the management API makes them."""
    given = {name: None if value == NO_VALUE else value for name, value in item["arguments"].items()}
    return {"exchange": item["source"], "routing_key": item["routing_key"], "arguments": amqp.longs(given)}


def _bind(job: Job, name: str) -> None:
    """Bind a queue as the queue was; what an exchange passed on that is gone, nobody gets any more."""
    left = job.bindings
    while left:
        try:
            with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
                while left:
                    channel.queue_bind(name, **binding(left[0]))
                    left.pop(0)
        except NotFound:
            if job.info(name) is None:
                raise
            gone = left.pop(0)
            if name == job.name:
                job.run.problem(gone["source"], _("This exchange is gone: the queue is not bound to it."))


def unbind_temporary(job: Job) -> None:
    """Nothing goes to the temporary queue any more."""
    if job.info(job.temporary) is None:
        return
    with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
        for item in job.bindings:
            channel.queue_unbind(job.temporary, **binding(item))


def move_back(job: Job) -> None:
    """Fill the new queue from the temporary one."""
    if job.info(job.temporary) is not None:
        job.pour(job.temporary, job.name)


def delete_temporary(job: Job) -> None:
    """Delete the temporary queue if nothing is in it: nobody can publish to it, it is bound to nothing."""
    if job.info(job.temporary) is None:
        return
    info = job.info(job.name)
    if info is None or not job.is_wanted(info):
        raise GaveUp(
            _("“%(queue)s” is not what it was to become: somebody changed it.") % {"queue": job.name}
        )
    if left := job.ready(job.temporary):
        text = _("%(n)s messages are in “%(queue)s” yet.")
        raise GaveUp(text % {"n": number(left), "queue": job.temporary})
    job.settle(job.temporary)
    if job.ready(job.temporary):
        raise GaveUp(_("Somebody gave messages back to “%(queue)s”: go on.") % {"queue": job.temporary})
    with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
        channel.queue_delete(job.temporary)
