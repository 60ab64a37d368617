"""Rows of what stands beside queues, letters and consumers: acts, roles, versions, alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from mqadmin.administration.converting import planning, stages
from mqadmin.alerts.models import Delivery
from mqadmin.alerts.telling import links
from mqadmin.core.models import Grant, Operation, OperationProblem
from mqadmin.definitions.acts import steps as restore_steps
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing import document
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.keeping import versions
from mqadmin.queues.models import Queue
from tests.alerts.factories import make_alert, make_channel, make_incident, make_rule, make_silence
from tests.approvals.factories import make_approval
from tests.passing.factories import make_seen, make_tap
from tests.support.hard_data.names import Naming


def approval(vhost: str, named: Naming) -> int:
    """Keep an act that waits, and one of each kind of end."""
    texts = {
        "summary": named("purge")[:300],
        "target": f"{vhost}:{named('work')}",
        "asked_by": named("ann")[:150],
        "grown": named("grown")[:300],
        "lately": named("lately")[:300],
        "reason": named("why"),
        "result": named("result"),
        "decided_by": named("bob")[:150],
        "foretold": [
            {"level": level, "text": named(level)} for level in ("loses", "stops", "unknown", "tells")
        ],
        "vhost": vhost,
        "queue": named("work"),
        "messages": 10**12,
        "objects_touched": 10**6,
    }
    now = timezone.now()
    for status in ("done", "failed", "refused", "taken_back", "expired", "doing"):
        make_approval(**texts | {"status": status, "decided_at": now})
    return make_approval(**texts | {"decided_by": "", "reason": "", "result": ""}).pk


def role(user: User, vhost: str, named: Naming) -> int:
    """Give an account a role for a part, with a rule of each shape."""
    group = Group.objects.create(name=named("team")[:60])
    Grant.objects.create(group=group, broker="default", vhost=vhost, queue=named("work"), level=2)
    Grant.objects.create(group=group, broker="default", vhost="*", queue=f"*{named('work')}"[:255], level=1)
    user.groups.add(group)
    return group.pk


def conversion(vhost: str, named: Naming) -> int:
    """Keep a conversion that ended in the middle of its steps, with an exchange that is gone."""
    declared = {"durable": True, "auto_delete": False, "arguments": {}}
    params = {
        "vhost": vhost,
        "name": named("work"),
        "temporary": f"{planning.PREFIX}{'w' * 32}",
        "bindings": [{"source": named("dlx"), "routing_key": named("key"), "arguments": {}}],
        "was": {"type": "classic", **declared},
        "wanted": {"type": "quorum", **declared},
        "by": named("ann"),
        "from": 0,
        "cursor": {"step": 4},
    }
    operation = Operation.objects.create(
        kind=stages.KIND,
        status="failed",
        broker="default",
        summary=f"Make {named('work')} a quorum queue",
        params=params,
        total=10**12,
        done=10**11,
        error=named("why"),
        created_by=named("ann"),
        started_at=timezone.now() - timedelta(hours=30),
    )
    OperationProblem.objects.create(operation=operation, target=named("dlx"), reason=named("why"))
    return operation.pk


def tap(vhost: str, named: Naming) -> dict[str, int]:
    """Keep a tap's row, with a message that it saw."""
    tap = make_tap(vhost=vhost, name=named("work"), query=named("text"), title=named("set"), kept=1)
    row = make_seen(tap, message_id=named("id"), exchange=named("dlx"), routing_key=named("key"))
    return {"tap": tap.pk, "message": row.pk}


def version(vhost: str, named: Naming) -> int:
    """Keep two versions of definitions, each with objects that the broker does not have; return the second."""
    policy = {"vhost": vhost, "name": named("policy"), "pattern": named("^"), "definition": {"max-length": 1}}
    queue = {"vhost": vhost, "name": named("lost"), "durable": True, "auto_delete": False, "arguments": {}}
    binding = {"source": named("dlx"), "destination": named("lost"), "destination_type": "queue"}
    told = {
        "policies": [policy],
        "queues": [queue],
        "bindings": [
            {**binding, "vhost": vhost, "routing_key": named("key"), "arguments": {"a": named("b")}}
        ],
        "users": [{"name": named("ann"), "password_hash": "x", "tags": []}],
    }
    versions.keep("default", document.read({**told, "policies": []}))
    policy["definition"] = {"max-length": 2, "dead-letter-exchange": named("dlx")}
    made = versions.keep("default", document.read(told))
    assert made is not None
    return made.pk


def restore(vhost: str, named: Naming) -> int:
    """Keep a restore that failed with one object, and has another before it."""
    operation = Operation.objects.create(
        kind="definitions.restore",
        status="failed",
        broker="default",
        summary=f"Restore 2 objects: {named('file')}"[:300],
        total=2,
        failed=1,
        error=named("why"),
        created_by=named("ann")[:150],
    )
    body = {"vhost": vhost, "name": named("lost"), "durable": True}
    steps = [Step("create", Key(kind, vhost, (named("lost"),)), None, body) for kind in ("queue", "exchange")]
    failed = Result(steps[0], "failed", named("why"))
    restore_steps.write(operation, steps, {steps[0].id: failed})
    return operation.pk


def alerts(vhost: str, named: Naming) -> dict[str, Any]:
    """Write what fires and who is told of it; return what stands for the arguments of their addresses."""
    who = named("ann")[:150]
    rule = make_rule(name=named("rule")[:120], queues=named("work"), changed_by=who)
    channel = make_channel(name=named("channel")[:80])
    taken = {"acknowledged_at": timezone.now(), "acknowledged_by": who, "snoozed_by": who}
    incident = make_incident(
        title=named("trouble")[:300],
        firing=10**6,
        most=10**7,
        snoozed_until=timezone.now() + timedelta(1),
        **taken,
    )
    queue = Queue.objects.get(vhost=vhost, name=named("work"))
    make_alert(incident, rule, vhost=vhost, name=queue.name, row_id=queue.pk)
    over = make_incident(title=named("over")[:300], kind="over", resolved_at=timezone.now())
    for state, answer in (("sent", named("said")), ("failed", named("why"))):
        Delivery.objects.create(
            incident=over,
            channel=channel,
            channel_name=channel.name,
            what="opened",
            severity=3,
            title=named("title")[:300],
            state=state,
            answer=answer,
            attempts=30_000,
        )
    silence = make_silence(reason=named("why")[:300], queues=named("work"), by=who, rule=rule)
    return {
        "incident": incident.pk,
        "alert_rule": rule.pk,
        "channel": channel.pk,
        "silence": silence.pk,
        "token": links.token(incident),
    }
