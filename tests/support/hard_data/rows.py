"""A row of everything that an address can name, under hard names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone

from consumers.models import ConsumerEvent, Record
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Operation, OperationProblem, Restored, WallToken
from mqadmin.core.query import lexer
from mqadmin.deadletters.models import CauseNote, RetryRule, SavedView, TrackedQueue
from mqadmin.queues.models import Queue, Standing
from tests.deadletters.factories import letter
from tests.support.consumers import count, make_consumer, make_process, make_record, make_supervisor
from tests.support.hard_data import others
from tests.support.hard_data.names import Naming
from tests.support.hard_data.world import World


def write(
    vhost: str, named: Naming, headers: dict[str, Any], properties: dict[str, str], asked: dict[str, str]
) -> World:
    work, dead = named("work"), named("dead")
    now = timezone.now()
    operation = Operation.objects.create(
        kind="queues.purge",
        status="failed",
        broker="default",
        summary=f"Purge of {work}",
        total=10**12,
        done=10**11,
        failed=10**9,
        error=named("why"),
        created_by=named("ann"),
        started_at=now - timedelta(hours=30),
        words=named("words"),
    )
    OperationProblem.objects.create(operation=operation, target=named("m-1"), reason=named("why"))
    AuditEntry.objects.create(
        actor=named("ann"),
        action="queue.purge",
        broker="default",
        target=f"{vhost}/{work}",
        count=10**15,
        outcome="refused",
        reason=named("why"),
        detail={"address": named("address")},
    )
    stored = letter(
        named("body").encode(),
        vhost=vhost,
        queue=dead,
        headers=headers,
        **properties,
        death_count=2**31 - 1,
        status_reason=named("why"),
        note=named("note"),
        trace=named("trace"),
        return_queue=work,
    )
    consumer = make_consumer(vhost=vhost, queue=work, desired="running", replicas=99, changed_by=named("ann"))
    make_consumer(vhost=vhost, queue=work)
    collector = make_consumer(
        vhost=vhost, queue=dead, desired="running", handler="collect", name="captures-" + "w" * 50
    )
    TrackedQueue.objects.create(
        broker="default", vhost=vhost, queue=dead, consumer=collector, tracked_by=named("ann")
    )
    process = make_process(
        consumer,
        host=named("host"),
        processed=10**12,
        failed=10**9,
        exit_reason=named("why"),
        rate=1234567.8,
        in_flight=65535,
        rss_bytes=2**42,
        cpu_percent=12345.6,
        restarts=12345,
    )
    count(process, (30, "acked", 12.5), (40, "dead_lettered", 500.0))
    record = make_record(
        consumer,
        process=process,
        routing_key=named("key"),
        exchange=named("dlx"),
        message_id=named("id"),
        outcome=Record.Outcome.DEAD_LETTERED,
        error_type=named("Error"),
        error=named("why"),
        traceback=named("trace"),
        headers=headers | {"x-death": "once"},
        properties={"type": named("type")},
        body=named("body").encode(),
        size=2**31 - 1,
    )
    ConsumerEvent.objects.create(
        consumer=consumer, process=process, at=now, kind="crashed", text=named("why"), detail=named("lines")
    )
    make_supervisor(named("host"))
    Queue.objects.filter(vhost=vhost, name=work).update(
        owner=named("team")[:150],
        note=named("note"),
        thresholds={"ready": 1000},
        muted_until=now + timedelta(days=1),
        muted_by=named("ann")[:150],
        own=["owner", "thresholds", "mute"],
    )
    CauseNote.objects.create(
        broker="default", group=stored.group, text=named("note"), owner=named("ann"), by=named("ann")
    )
    maker = User.objects.get_or_create(username=named("ann")[:150])[0]
    return World(
        vhost=vhost,
        exchange=quote(named("dlx")),
        work=quote(work),
        policy=quote(named("policy")),
        **asked,
        queue=Queue.objects.get(vhost=vhost, name=work).pk,
        operation=operation.pk,
        letter=stored.pk,
        consumer=consumer.name,
        record=record.pk,
        process=process.pk,
        host=named("host"),
        group=stored.group,
        rule=RetryRule.objects.create(broker="default", vhost=vhost, source=work, changed_by=named("ann")).pk,
        view=SavedView.objects.create(name=named("view")[:80], query="q=x", by=named("ann")).pk,
        restored=Restored.objects.create(taken_at=now, by="ann", dismissed_at=now).pk,
        wall=WallToken.objects.create(user=maker, name=named("wall")[:100], digest="0" * 64, hint="abcd").pk,
        standing=Standing.objects.create(
            name=named("rule")[:80],
            query=f"name:{lexer.quote(work)}",
            owner=named("team")[:150],
            thresholds={"ready": 1000},
            by=named("ann"),
        ).pk,
        **others.alerts(vhost, named),
        version=others.version(vhost, named),
        restore=others.restore(vhost, named),
        conversion=others.conversion(vhost, named),
        **others.tap(vhost, named),
        account=maker.pk,
        approval=others.approval(vhost, named),
        api_token=tokens.make(
            user=maker, name=named("report"), expires_at=now, vhost=vhost[:255], queue=named("work")[:255]
        )[0].pk,
        role=others.role(maker, vhost, named),
        factor=Authenticator.objects.create(
            user=maker, type=Authenticator.Type.WEBAUTHN, data={"name": named("key")[:60]}
        ).pk,
    )
