"""Everything a page can show, under names that are hard to show: signs without a shape, or very long.

The queues are real ones of a broker. `filled` makes one row of everything that an address can name: `World` has
what stands for each argument of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pika
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pika.exchange_type import ExchangeType

from consumers.models import ConsumerEvent, Record
from mqadmin.administration.converting import planning, stages
from mqadmin.alerts.models import Delivery
from mqadmin.alerts.telling import links
from mqadmin.core.api import tokens
from mqadmin.core.models import AuditEntry, Grant, Operation, OperationProblem, Restored, WallToken
from mqadmin.core.query import lexer
from mqadmin.deadletters.models import CauseNote, RetryRule, SavedView, TrackedQueue
from mqadmin.definitions.acts import steps as restore_steps
from mqadmin.definitions.acts.planning import Step
from mqadmin.definitions.acts.steps import Result
from mqadmin.definitions.comparing import document
from mqadmin.definitions.comparing.kinds import Key
from mqadmin.definitions.keeping import versions
from mqadmin.queues.models import Queue, Standing
from mqadmin.queues.monitor.sampling import Sampler
from mqadmin.rabbit.config import BrokerConfig
from tests.alerts.factories import make_alert, make_channel, make_incident, make_rule, make_silence
from tests.approvals.factories import make_approval
from tests.deadletters.factories import died, letter
from tests.passing.factories import make_seen, make_tap
from tests.support.consumers import count, make_consumer, make_process, make_record, make_supervisor
from tests.support.management import Management
from tests.support.waiting import wait_until

Naming = Callable[[str], str]
# A direction, an isolate, a zero-width space and joiner, a soft hyphen, a wide blank, a line separator, a selector
# alone, a tag, an escape, two blanks, letters from right to left, and a blank at the end.
UNSEEN = "\u202e\u2066x\u200b\u200d\xad\u3000\u2028\ufe0f\U000e0041\x1b  \u05d0\u05d1 "


def unseen(word: str) -> str:
    """Return a name that looks like another, or turns what stands beside it."""
    return f"{word}{UNSEEN}"


def long(word: str) -> str:
    """Return a name that no line has room for, no place to break it, and signs without a shape."""
    return f"{word}-{'W' * 90}{UNSEEN}"


@dataclass(frozen=True)
class World:
    """The row that stands for each argument of an address."""

    vhost: str
    queue: int
    operation: int
    letter: int
    consumer: str
    record: int
    process: int
    host: str
    group: str
    rule: int
    view: int
    standing: int
    wall: int
    incident: int
    alert_rule: int
    channel: int
    silence: int
    token: str
    version: int
    restore: int
    restored: int
    conversion: int
    tap: int
    message: int
    account: int
    api_token: int
    approval: int
    role: int
    factor: int
    exchange: str  # written as in an address, as those below
    work: str
    policy: str
    user: str
    connection: str
    held: str  # a quorum queue
    node: str
    flag: str
    shovel: str
    kind: str = "exchanges"

    def argument(self, route: str, name: str) -> int | str:
        if name == "pk":
            return self.record if "records/" in route else self.process
        if name == "rule_id" and "alerts/" in route:
            return self.alert_rule
        if name == "operation_id" and "conversions/" in route:
            return self.conversion
        if name == "token" and "wall/" in route:
            return "mqw_nobodys"
        if name == "name":
            return self.host if "hosts/" in route else self.consumer
        if name in ("user_id", "token_id"):
            return self.account if name == "user_id" else self.api_token
        return getattr(self, name.removesuffix("_id"))  # type: ignore[no-any-return]


# What a page is asked beside its address, where it says more then.
ASKED = {
    "find": ["q={word}"],
    "access": ["", "vhost={vhost}&queue={work}", "queue={work}"],
    "queue_list": ["", "q=lag:"],
    "queues_purge": ["ids={queue}"],
    "queues_delete": ["ids={queue}"],
    "queues_mute": ["all=1&q=name:*"],
    "queues_owner": ["ids={queue}"],
    "queues_track": ["ids={queue}"],
    "letter_list": ["", "letter={letter}", "letter={letter}&tab=headers", "q=source:"],
    "letter_detail": ["", "tab=headers", "tab=properties", "tab=hex"],
    "letter_complete": ["q=source:&at=7"],
    "letter_requeue": ["ids={letter}", "ids={letter}&to=given"],
    "letter_discard": ["ids={letter}"],
    "letter_restore": ["all=1&status=discarded"],
    "letters_edit": ["ids={letter}", "ids={letter}&way=replace&find=body&replace=x"],
    "letter_map": ["vhost={vhost}"],
    "consumer_try": ["record={record}"],
    "audit_list": ["", "actor=nobody"],
    "node_detail": ["name={node}"],
    "node_stopping": ["name={node}"],
    "node_checks": ["name={node}"],
    "cluster_reset": ["", "name={node}"],
    "queue_members": ["vhost={vhost}&name={held}"],
    "member_add": ["vhost={vhost}&name={held}"],
    "member_remove": ["vhost={vhost}&name={held}&node={node}"],
    "node_grow": ["name={node}"],
    "node_shrink": ["name={node}"],
    "flag_enable": ["name={flag}"],
    "definitions_compare": ["", "one={version}"],
    "exchange_list": ["", "q=colur:red"],
    "exchange_detail": ["vhost={vhost}&name={exchange}"],
    "exchange_flow_list": ["vhost={vhost}&name={exchange}"],
    "noun_past": ["vhost={vhost}&name={exchange}"],
    "exchange_publish": ["vhost={vhost}&name={exchange}"],
    "exchange_delete": ["vhost={vhost}&name={exchange}"],
    "binding_new": ["vhost={vhost}&name={exchange}"],
    "binding_delete": [
        "vhost={vhost}&source={exchange}&destination={work}&destination_type=queue&properties_key={work}"
    ],
    "vhost_detail": ["name={vhost}"],
    "vhost_edit": ["name={vhost}"],
    "vhost_trace": ["name={vhost}&on=1"],
    "vhost_protect": ["name={vhost}&on=1"],
    "vhost_start": ["name={vhost}"],
    "vhost_delete": ["name={vhost}"],
    "user_detail": ["name={user}"],
    "user_tags": ["name=nobody"],
    "user_login": ["name=nobody"],
    "user_delete": ["name=nobody"],
    "connection_detail": ["name={connection}"],
    "connection_close": ["name={connection}"],
    "connections_close": ["user={user}"],
    "open_channel_detail": ["name={connection}%20%281%29"],
    "policy_detail": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_edit": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_delete": ["vhost={vhost}&name={policy}&kind=policy"],
    "policy_try": ["vhost={vhost}&pattern=."],
    "queue_named": [],
    "queue_convert_named": ["vhost={vhost}&name={work}"],
    # Of what only a plugin knows there is none.
    "parameter_edit": [],
    "parameter_delete": [],
    "shovel_edit": ["vhost={vhost}&name={shovel}"],
    "shovel_delete": ["vhost={vhost}&name={shovel}"],
    "shovel_restart": ["vhost={vhost}&name={shovel}"],
    "federation_link_restart": [],
    "federation_upstream_edit": [],
    "federation_upstream_delete": [],
    "federation_set_edit": [],
    "federation_set_delete": [],
    "permission_set": ["", "user=nobody&vhost={vhost}"],
    "permission_clear": ["user=nobody&vhost={vhost}"],
    "topic_permission_set": ["user=nobody"],
    "topic_permission_clear": ["user=nobody&vhost={vhost}"],
    "limit_set": ["of=vhost&name={vhost}", "of=user&name=nobody"],
    "limit_clear": ["of=vhost&name={vhost}&limit=max-queues"],
    "tap_new": ["vhost={vhost}&kind=queue&name={word}"],
    "journey": ["", "q={word}"],
    # The forms of new ones are those of the ones that are there.
    "alert_rule_new": [],
    "channel_new": [],
}


def addresses(world: World, name: str, address: str) -> list[str]:
    """Return the addresses at which the page `name` is looked at."""
    asked = (query.format(word="work", **vars(world)) for query in ASKED.get(name, [""]))
    return [f"{address}?{query}" if query else address for query in asked]


@contextmanager
def filled(config: BrokerConfig, vhost: str, named: Naming) -> Iterator[World]:
    """Declare queues that dead-letter, read one of them, sample the broker; then write a row of everything."""
    work, dead = named("work"), named("dead")
    parameters = config.connection_parameters(vhost)
    parameters.heartbeat = 0  # nobody serves it while pages are looked at
    parameters.client_properties = {"connection_name": named("client")}
    connection = pika.BlockingConnection(parameters)
    try:
        channel = connection.channel()
        channel.exchange_declare(named("dlx"), ExchangeType.topic, durable=True)
        channel.queue_declare(dead, durable=True)
        channel.queue_bind(dead, named("dlx"), named("#"), {named("argument"): named("value")})
        arguments = {"x-dead-letter-exchange": named("dlx"), "x-dead-letter-routing-key": named("key")}
        channel.queue_declare(work, durable=True, arguments=arguments)
        channel.queue_bind(work, named("dlx"), named("other"))
        channel.basic_qos(prefetch_count=1)
        channel.basic_consume(dead, lambda *_: None, consumer_tag=named("tag"))
        headers = {named("header"): named("value"), **died(work, type=named("Error"), message=named("why"))}
        properties = {"message_id": named("id"), "type": named("type"), "app_id": named("app")}
        for queue in (work, dead):
            fields = pika.BasicProperties(headers=headers, **properties)
            channel.basic_publish("", queue, named("body").encode(), fields)
        _sample(config, vhost)
        channel.queue_declare(named("held"), durable=True, arguments={"x-queue-type": "quorum"})
        asked = {
            "user": quote(config.auth()[0]),
            "held": quote(named("held")),
            **_defined(config, vhost, named),
        }
        yield _rows(vhost, named, headers, properties, asked)
    finally:
        connection.close()


def _defined(config: BrokerConfig, vhost: str, named: Naming) -> dict[str, str]:
    """Set a policy, and a shovel that goes nowhere; return what stands in addresses for what the broker names:
    the connection that was made, once it lists it, its node, a flag."""
    client = Management(config)
    try:
        body = {"pattern": "^", "definition": {"max-length": 10**6}, "priority": 1, "apply-to": "queues"}
        client.call("PUT", "policies", vhost, named("policy"), body=body)

        def listed() -> str | None:
            found = client.read("vhosts", vhost, "connections")
            return next((item["name"] for item in found if "name" in item), None)

        ends = {"src-uri": "amqp://", "src-queue": named("source"), "dest-queue": named("work")}
        value = {
            **ends,
            "src-protocol": "amqp091",
            "dest-protocol": "amqp091",
            "dest-uri": "amqp://127.0.0.1:1",
        }
        client.call("PUT", "parameters", "shovel", vhost, named("shovel"), body={"value": value})
        return {
            "connection": quote(wait_until(listed, 20, what="the broker to list the connection")),
            "shovel": quote(named("shovel")),
            "node": quote(client.read("nodes")[0]["name"]),
            "flag": quote(client.read("feature-flags")[0]["name"]),
        }
    finally:
        client.close()


def _sample(config: BrokerConfig, vhost: str) -> None:
    client = Management(config)
    sampler = Sampler("default", client)

    def is_counted() -> bool:
        sampler.sample()
        rows = Queue.objects.filter(vhost=vhost)
        return len(rows) == 2 and all(row.facts and row.state for row in rows)

    wait_until(is_counted, 20, what="the broker to count")
    client.close()
    Queue.objects.exclude(vhost=vhost).delete()  # those of other tests
    Queue.objects.update(
        ready=10**12,
        unacked=10**12,
        total=10**12,
        consumers=10**6,
        publish_rate=1e7,
        deliver_rate=1e7,
        ack_rate=1e7,
        clears_in=1e7,
        memory=2**42,
    )


def _rows(
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
        **_alerts(vhost, named),
        version=_version(vhost, named),
        restore=_restore(vhost, named),
        conversion=_conversion(vhost, named),
        **_tap(vhost, named),
        account=maker.pk,
        approval=_approval(vhost, named),
        api_token=tokens.make(
            user=maker, name=named("report"), expires_at=now, vhost=vhost[:255], queue=named("work")[:255]
        )[0].pk,
        role=_role(maker, vhost, named),
        factor=Authenticator.objects.create(
            user=maker, type=Authenticator.Type.WEBAUTHN, data={"name": named("key")[:60]}
        ).pk,
    )


def _approval(vhost: str, named: Naming) -> int:
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


def _role(user: User, vhost: str, named: Naming) -> int:
    """Give an account a role for a part, with a rule of each shape."""
    group = Group.objects.create(name=named("team")[:60])
    Grant.objects.create(group=group, broker="default", vhost=vhost, queue=named("work"), level=2)
    Grant.objects.create(group=group, broker="default", vhost="*", queue=f"*{named('work')}"[:255], level=1)
    user.groups.add(group)
    return group.pk


def _conversion(vhost: str, named: Naming) -> int:
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


def _tap(vhost: str, named: Naming) -> dict[str, int]:
    """Keep a tap's row, with a message that it saw."""
    tap = make_tap(vhost=vhost, name=named("work"), query=named("text"), title=named("set"), kept=1)
    row = make_seen(tap, message_id=named("id"), exchange=named("dlx"), routing_key=named("key"))
    return {"tap": tap.pk, "message": row.pk}


def _version(vhost: str, named: Naming) -> int:
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


def _restore(vhost: str, named: Naming) -> int:
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


def _alerts(vhost: str, named: Naming) -> dict[str, Any]:
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
