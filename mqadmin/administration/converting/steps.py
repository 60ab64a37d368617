"""The steps of a conversion on the broker. Each looks first, and does what lacks: done twice it does no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.acts.operations import GaveUp, Run
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import moving
from mqadmin.queues.acts.moving import Pour
from mqadmin.queues.models import Queue
from mqadmin.rabbit import amqp
from mqadmin.rabbit.administration import queue_arguments
from mqadmin.rabbit.administration.queue_arguments import TYPE
from mqadmin.rabbit.errors import ChannelLost, NotFound
from mqadmin.rabbit.topology.policies import Ranked
from mqadmin.rabbit.types import QueueInfo

SETTLED_SECONDS = 12.0  # statistics of what is unacked are up to five seconds old
ATTEMPTS = 50  # to find the queue empty at the moment when it is deleted
_LOOK_SECONDS = 0.5
_LOSING = frozenset({"expires", "message-ttl", "max-length", "max-length-bytes"})


@dataclass(frozen=True)
class Job:
    """One conversion: the queue's name, the temporary queue's, and the operation in hand."""

    run: Run
    queue: Queue
    name: str
    temporary: str

    @classmethod
    def of(cls, run: Run) -> Job:
        queue = Queue.objects.select_related("broker").get(pk=run.params["queue"])
        return cls(run, queue, run.params["name"], run.params["temporary"])

    @property
    def slug(self) -> str:
        return self.queue.broker.slug

    @property
    def wanted(self) -> Mapping[str, Any]:
        return dict(self.run.params["wanted"])

    def info(self, name: str) -> QueueInfo | None:
        """Return a queue as it is, None where there is none."""
        try:
            return brokers.client(self.slug).queue(self.queue.vhost, name).info
        except NotFound:
            return None

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
        left = self._held(source)
        if left:
            text = _(
                "%(n)s messages of “%(queue)s” are with somebody who has not acked them. Go on once they are."
            )
            raise GaveUp(text % {"n": number(left), "queue": source})

    def _held(self, name: str) -> int:
        """Return how many are unacked: 0 as soon as statistics say so."""

        def held() -> int:
            info = self.info(name)
            return (info.unacked or 0) if info else 0

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
    _require_safe(job)
    client, vhost, trial = brokers.client(job.slug), job.queue.vhost, f"{job.temporary}.trial"
    client.declare_queue(vhost, trial, **_properties(job))  # it would be too late to learn that it is refused
    client.call("DELETE", "queues", vhost, trial)
    arguments = {TYPE: "quorum", **job.run.params["letters"]}
    client.declare_queue(vhost, job.temporary, arguments=arguments)


def _require_safe(job: Job) -> None:
    """Raise GaveUp where a policy would have the temporary queue drop what is in it, or go."""
    client, vhost = brokers.client(job.slug), job.queue.vhost
    version = queue_arguments.version_of(client.overview().version)
    info = QueueInfo(vhost, job.temporary, "quorum")
    for listed in (client.policies(vhost), client.operator_policies(vhost)):
        policy = Ranked(listed, version).of_queue(info).policy
        if policy is not None and (keys := _LOSING.intersection(policy.definition)):
            text = _(
                "The policy “%(policy)s” would apply to the temporary queue, with %(keys)s. Nothing was moved."
            )
            raise GaveUp(text % {"policy": policy.name, "keys": ", ".join(sorted(keys))})


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
    if job.info(job.temporary) is None:
        return
    _bind(job, job.temporary)
    for _attempt in range(ATTEMPTS):
        job.run.checkpoint()
        info = job.info(job.name)
        if info is not None and job.is_wanted(info):
            break
        if info is not None and job.ready(job.name):
            job.pour(job.name, job.temporary)
        elif _swap(job, info):
            break
        else:
            job.run.rest(_LOOK_SECONDS)
    else:
        raise GaveUp(
            _("Somebody publishes to it or consumes from it again and again. Stop them, then go on.")
        )
    _bind(job, job.name)


def _swap(job: Job, info: QueueInfo | None) -> bool:
    """Delete and declare on one channel; return whether it was done. The broker itself checks that a classic queue
    is empty and unused; a quorum queue knows no such condition, and was looked at a moment ago."""
    if info is not None and info.type != "classic" and job.consumers(job.name):
        return False
    is_gone = info is None
    try:
        with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
            if info is not None:
                is_classic = info.type == "classic"
                channel.queue_delete(job.name, if_empty=is_classic, if_unused=is_classic)
            is_gone = True
            channel.queue_declare(job.name, **_properties(job))
            for item in job.run.params["bindings"]:
                channel.queue_bind(job.name, item["source"], item["routing_key"], item["arguments"])
    except ChannelLost:
        if is_gone:
            raise
        return False
    return True


def _properties(job: Job) -> dict[str, Any]:
    wanted = job.wanted
    return {name: wanted[name] for name in ("durable", "auto_delete", "arguments")}


def _bind(job: Job, name: str) -> None:
    with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
        for item in job.run.params["bindings"]:
            channel.queue_bind(name, item["source"], item["routing_key"], item["arguments"])


def unbind_temporary(job: Job) -> None:
    """Nothing goes to the temporary queue any more."""
    if job.info(job.temporary) is None:
        return
    with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
        for item in job.run.params["bindings"]:
            channel.queue_unbind(job.temporary, item["source"], item["routing_key"], item["arguments"])


def move_back(job: Job) -> None:
    """Fill the new queue from the temporary one."""
    if job.info(job.temporary) is not None:
        job.pour(job.temporary, job.name)


def delete_temporary(job: Job) -> None:
    """Delete the temporary queue if nothing is in it: nobody can publish to it, it is bound to nothing."""
    if job.info(job.temporary) is None:
        return
    if left := job.ready(job.temporary):
        text = _("%(n)s messages are in “%(queue)s” yet.")
        raise GaveUp(text % {"n": number(left), "queue": job.temporary})
    with amqp.channel(brokers.config(job.slug), job.queue.vhost) as channel:
        channel.queue_delete(job.temporary)
