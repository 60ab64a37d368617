"""What the API takes and gives for consumers (API.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator

from consumers.definitions import sentence, wording
from consumers.definitions.validation import NULLABLE, OPTION
from consumers.handlers import registry
from consumers.status.summary import Summary
from mqadmin.core.api.plumbing import Body, PageQuery
from mqadmin.core.pages import prose


class StatusOut(Schema):
    """What it is doing: the state in a word, the reason in a sentence.

    `wanted`: processes, as autoscaling decided where it is on. `rollout`: how far a restart has come, "" without.
    """

    state: str
    reason: str
    running: int
    wanted: int
    older_settings: int
    rollout: str


class DefinitionOut(Schema):
    """The fields of a definition, as they are set."""

    name: str
    broker: str
    vhost: str
    queue: str
    handler: str
    options: dict[str, Any]
    desired: str
    replicas: int
    concurrency: int
    prefetch: int
    mode: str
    pull_interval: float
    ack: str
    order: str
    batch_size: int
    batch_seconds: float
    retry_attempts: int
    retry_first_delay: float
    retry_factor: float
    retry_max_delay: float
    retry_jitter: float
    connection_retries: int | None
    connection_delay: float
    connect_attempts: int
    dedupe_key: str
    dedupe_path: str
    dedupe_seconds: float
    timeout_seconds: float
    deaths_limit: int
    rate_limit: float
    record_one_in: int
    on_failure: str
    records: str
    body_capture: str
    body_cap: int
    consumer_priority: int
    exclusive: bool
    stop_seconds: float
    single: bool
    placement: str
    schedule: str
    memory_limit_mb: int
    autoscale_min: int
    autoscale_max: int
    autoscale_seconds: float
    autoscaled: int | None
    is_collector: bool
    revision: int
    changed_by: str
    changed_at: datetime
    created_at: datetime


class ConsumerTimeoutOut(Schema):
    """For how long RabbitMQ lets a message be held unacked.

    `source`, how that is known: argument or policy of the queue; seen, as RabbitMQ said when it took messages back;
    default, unless its configuration says otherwise, which it does not tell.
    """

    seconds: float
    source: Literal["argument", "policy", "seen", "default"]


class HeldTooLongOut(Schema):
    """How often RabbitMQ took messages back from the running processes since they were held too long; when last."""

    times: int
    last_at: datetime


class ConsumerOut(DefinitionOut):
    """A definition with its state and counters. `rate` a second; `p95_ms` and the counts of the last hour.

    `unacked_last_hour`: handled well, but their acks never arrived, so they come again. `consumer_timeout`: null
    where RabbitMQ has none. `deadline_warning`: that by its definition a message may be held for longer, "" where
    it may not. `held_too_long`: null where nothing was within a day.
    `retry_queues_depth`: messages in the retry queues of its vhost, which all its consumers share, as the
    monitor last saw them; null when it never did. `options`: what may be a secret in them is "•••" to who may not
    define consumers. `warnings`: field -> what may not be meant, as "options.url". `outlook`: what becomes of
    messages where its handler sends them, in sentences. `summary`: what it does, in plain sentences.
    """

    status: StatusOut
    rate: float
    in_flight: int
    handled_last_hour: int
    failed_last_hour: int
    unacked_last_hour: int
    success_percent: float | None
    p95_ms: float | None
    retry_queues_depth: int | None
    warnings: dict[str, str]
    consumer_timeout: ConsumerTimeoutOut | None
    deadline_warning: str
    held_too_long: HeldTooLongOut | None
    outlook: list[str]
    summary: str


def consumer_out(summary: Summary, *, whole: bool) -> dict[str, Any]:
    """Return a consumer as `ConsumerOut` gives it; unless `whole`, without what may be secret in its options."""
    definition = DefinitionOut.from_orm(summary.consumer).dict()
    handler, options = summary.consumer.handler, summary.consumer.options
    if not whole:
        definition["options"] = registry.shown(handler, options)
    warnings = registry.warnings(handler, options)
    total, status = summary.hour.total, summary.status
    limit, held = summary.limit, summary.held
    return {
        **definition,
        "status": {
            "state": status.state,
            "reason": summary.words,
            "running": status.running,
            "wanted": status.wanted,
            "older_settings": status.older,
            "rollout": status.rollout,
        },
        "rate": summary.rate,
        "in_flight": summary.in_flight,
        "handled_last_hour": total.handled,
        "failed_last_hour": total.failed,
        "unacked_last_hour": total.unacked,
        "success_percent": summary.success_percent,
        "p95_ms": total.quantile_ms(0.95),
        "retry_queues_depth": summary.delayed,
        "warnings": {f"{OPTION}{name}": text for name, text in warnings.items()},
        "consumer_timeout": limit and {"seconds": limit.seconds, "source": limit.source},
        "deadline_warning": summary.deadline_warning,
        "held_too_long": held and {"times": held.times, "last_at": held.last},
        "outlook": wording.outlook(summary.consumer),
        "summary": prose.paragraph(sentence.of(summary.consumer)),
    }


class ConsumerQuery(PageQuery):
    """Which consumers."""

    broker: str | None = None


class ConsumerList(Schema):
    items: list[ConsumerOut]
    total: int
    next: str | None


def _underscored(value: Any) -> Any:
    return (
        value.replace("-", "_") if isinstance(value, str) else value
    )  # best-effort, as the documentation has it


class DefinitionIn(Body):
    """What may be set; what is left out keeps its default, or on a PATCH its value.

    `connection_retries` null: errors that say "not reachable now" are treated like all others. `dedupe_key`
    empty: no check for duplicates. `autoscale_max` 0: autoscaling is off. `placement` empty: any host; `schedule`
    empty: always.
    """

    broker: str | None = None
    vhost: str | None = None
    queue: str | None = None
    handler: str | None = None
    options: dict[str, Any] | None = None
    replicas: int | None = None
    concurrency: int | None = None
    prefetch: int | None = None
    mode: Literal["push", "pull"] | None = None
    pull_interval: float | None = None
    ack: Literal["manual", "auto"] | None = None
    order: Literal["fifo", "priority"] | None = None
    batch_size: int | None = None
    batch_seconds: float | None = None
    retry_attempts: int | None = None
    retry_first_delay: float | None = None
    retry_factor: float | None = None
    retry_max_delay: float | None = None
    retry_jitter: float | None = None
    connection_retries: int | None = None
    connection_delay: float | None = None
    connect_attempts: int | None = None
    dedupe_key: Literal["", "message_id", "header", "json", "body"] | None = None
    dedupe_path: str | None = None
    dedupe_seconds: float | None = None
    timeout_seconds: float | None = None
    deaths_limit: int | None = None
    rate_limit: float | None = None
    record_one_in: int | None = None
    on_failure: Literal["republish", "reject"] | None = None
    records: (
        Annotated[Literal["durable", "best_effort", "failures", "off"], BeforeValidator(_underscored)] | None
    ) = None
    body_capture: Literal["failures", "all", "none"] | None = None
    body_cap: int | None = None
    consumer_priority: int | None = None
    exclusive: bool | None = None
    stop_seconds: float | None = None
    single: bool | None = None
    placement: str | None = None
    schedule: str | None = None
    memory_limit_mb: int | None = None
    autoscale_min: int | None = None
    autoscale_max: int | None = None
    autoscale_seconds: float | None = None

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent; null counts as left out, save where it has a meaning."""
        sent = self.dict(exclude_unset=True)
        return {name: value for name, value in sent.items() if value is not None or name in NULLABLE}


class ConsumerIn(DefinitionIn):
    """A new definition. `desired`: whether to start it at once."""

    name: str
    queue: str
    handler: str
    desired: Literal["running", "paused", "stopped"] = "stopped"


class DraftIn(DefinitionIn):
    """A definition that is not there yet, or half of one. `name`: of a consumer that it would change."""

    name: str = ""


class DraftOut(Schema):
    """`summary`: what it would do, "" where it would be refused. `problems`: field -> why, as "options.url"."""

    summary: str
    problems: dict[str, str]


class PresetOut(Schema):
    """Settings that go together. `fields`: all that it sets, for `POST /consumers` or `PATCH /consumers/{name}`."""

    name: str
    title: str
    about: str
    fields: dict[str, Any]


class DuplicateIn(Body):
    """`name`: of the copy; "" for one that is free, as orders-2."""

    name: str = ""


class ScaleIn(Body):
    replicas: int


class RestartIn(Body):
    """`rolling`: one process after another. `process`: the id of one process, which alone is replaced."""

    rolling: bool = True
    process: int | None = None


class StartIn(Body):
    """`process`: the id of one that failed or waits to start again; without it all that do."""

    process: int | None = None


class KillIn(Body):
    """`process`: the id of one process; without it all are killed."""

    process: int | None = None


class MassIn(Body):
    """Stop or start many: those of `broker` that `q` and `state` find, as on the list's page, without collectors.

    `expect`: how many the caller thinks there are; with another number nothing is done. `broker` may be left
    out where only one is configured.
    """

    expect: int
    broker: str | None = None
    q: str = ""
    state: str = ""
    collectors: bool = False


class MassOut(Schema):
    """`overtaken`: somebody else changed these in between, so they were left as they are."""

    done: list[str]
    overtaken: list[str]
