"""Verdicts: all that mqadmin says of a queue and of a broker, with what it advises and offers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.manual.reference.markdown import plain
from deploy.manual.words import said
from mqadmin.alerts.rules import built_in
from mqadmin.core.wording import worded
from mqadmin.queues.models import Broker, Queue
from mqadmin.queues.pages import broker_wording, client_words, cures, node_words, wording

# Numbers and names as the monitor may have seen them, for the sentences; a code that needs others names them below.
COMMON: Mapping[str, Any] = {
    "alarms": ["memory"],
    "at_least": False,
    "away": ["rabbit@c"],
    "before": "rabbit@a",
    "behind": [["rabbit@c", 1200]],
    "by": "counters",
    "channels": 210,
    "connection": "10.0.0.7:51422",
    "consumers": 3,
    "count": 12,
    "each": 310.0,
    "fault": "exchange_missing",
    "feature": "transient_nonexcl_queues",
    "free": 60_000_000,
    "from": 120,
    "had": 2,
    "how": "expired",
    "kept": False,
    "limit": 100_000,
    "members": 3,
    "ms": 900,
    "names": ["orders-api"],
    "node": "rabbit@a",
    "now": "rabbit@b",
    "percent": 92,
    "publishers": ["orders-api"],
    "queues": ["orders.temporary"],
    "exchanges": [{"name": "orders", "vhost": "/"}],
    "rate": 12.0,
    "ready": 150_000,
    "refuses": False,
    "resource": "file",
    "seconds": 240,
    "spare": 0,
    "state": "stopped",
    "steady": 7200,
    "to": 480,
    "unacked": 500,
    "used": 95_000,
    "usual": 300,
    "user": "orders",
    "vhost": "/",
    "waiting": 1840,
    "wanted": 3,
    "why": "tag_missing",
    "others": 2,
    "opened": 14.0,
    "closed": 13.5,
    "oldest_at": 0,
}
OWN: Mapping[str, Mapping[str, Any]] = {
    "down": {"away": ["rabbit@b", "rabbit@c"]},
    "memory_alarm": {"used": 1_700_000_000, "limit": 1_600_000_000},
    "memory_near": {"used": 1_500_000_000, "limit": 1_600_000_000},
    "disk_alarm": {"limit": 50_000_000, "free": 40_000_000},
    "disk_near": {"limit": 50_000_000},
    "partitioned": {"others": ["rabbit@b"]},
    "clock_differs": {"seconds": 7},
    "slow_listing": {"seconds": 6, "queues": 9000},
}
HOUR = 3600


def all_verdicts() -> str:
    """Return all of them. Raises KeyError where a verdict has a number that the examples lack."""
    parts = (
        ("Of a queue", _queues()),
        ("Of a broker: its nodes", _brokers(node_words.WORDS)),
        ("Of a broker: clients, exchanges, definitions", _brokers(client_words.WORDS)),
    )
    return "\n".join(f"## {said(title)}\n\n" + "\n".join(entries) for title, entries in parts)


def example(code: str) -> dict[str, Any]:
    """Return the numbers that the sentence of `code` is shown with."""
    return {**COMMON, **OWN.get(code, {})}


def _queues() -> Iterator[str]:
    queue = Queue(pk=1, broker=Broker(slug="default"), vhost="/", name="orders")
    for code, word in wording.TABLE.items():
        params = example(code)
        if code == "waits_long":
            params["oldest_at"] = time.time() - 3 * HOUR
        title = (
            str(word.headline) % {"queue": said("The queue")}
            if word.headline
            else said(code.replace("_", " ").capitalize())
        )
        buttons = [str(link.label) for link in cures.links(queue, word.cures)]
        rule = built_in.RULES["queue_watch"]["name"] if code in built_in.WATCHED_QUEUES else ""
        yield _entry(code, title, word.sentence(params), str(word.advice), buttons, rule)


def _brokers(words: Mapping[str, Any]) -> Iterator[str]:
    for code, word in words.items():
        told = word(example(code))
        if code == "deprecated":
            told = node_words.Told(
                said("A deprecated feature of RabbitMQ is in use"),
                told.evidence,
                told.advice,
                told.docs,
            )
        rule = built_in.RULES["broker_watch"]["name"] if code in built_in.WATCHED_BROKERS else ""
        links = broker_wording.links({"code": code, "params": example(code)}, "default")
        yield _entry(code, told.title, told.evidence, told.advice, [str(link.label) for link in links], rule)


def _entry(code: str, title: str, sentence: str, advice: str, buttons: list[str], rule: str) -> str:
    lines = [
        f"### {plain(title)} {{#{code}}}",
        "",
        said("`{code}`: {sentence}").format(code=code, sentence=plain(sentence)) if sentence else f"`{code}`",
    ]
    if advice:
        lines += ["", said("**What to do:** {advice}").format(advice=plain(advice))]
    if buttons:
        labels = said(", ").join(plain(label) for label in buttons)
        lines += ["", said("**Buttons:** {buttons}").format(buttons=labels)]
    if rule:
        told = said("Told, where it lasts, by the [rule](alert-rules.md) “{rule}”.")
        lines += ["", told.format(rule=plain(worded(str(rule))))]
    return "\n".join(lines) + "\n"
