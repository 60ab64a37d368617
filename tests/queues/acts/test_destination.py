"""What is said of a destination before anything goes there."""

from __future__ import annotations

from typing import Any

import pytest

from mqadmin.queues.acts import destination
from mqadmin.rabbit.types import QueueInfo


def info(**fields: Any) -> QueueInfo:
    return QueueInfo("/", "q", "classic", **fields)


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        (info(ready=5), []),
        (info(ready=5, arguments={"x-max-length": 15}), []),
        (
            info(ready=5, arguments={"x-max-length": 14}),
            ["14 messages: about 1 of its oldest messages would be dropped"],
        ),
        (info(ready=5, effective_policy={"max-length": 8}, arguments={"x-max-length": 99}), ["about 7 "]),
        (
            info(ready=0, effective_policy={"max-length": 0, "overflow": "reject-publish"}),
            ["about 10 would be refused"],
        ),
        (info(ready=1, message_bytes=100, arguments={"x-max-length-bytes": 1050}), ["about 1 of its oldest"]),
        (info(ready=None, arguments={"x-max-length": 9}), ["about 1 of"]),
    ],
)
def test_a_limit_that_would_be_exceeded_is_told(queue: QueueInfo, words: list[str]) -> None:
    verdict = destination.judged(queue, 10, 100.0)
    told = list(filter(None, (*verdict.stops, *verdict.loses)))
    assert len(told) == len(words)
    for text, part in zip(told, words, strict=True):
        assert part in text


@pytest.mark.parametrize(
    ("queue", "level", "words"),
    [
        (info(arguments={"x-message-ttl": 30_000}), "loses", "30 s after it came"),
        (info(arguments={"x-message-ttl": 60_000}), "tells", "1 min after it came"),
        (
            info(arguments={"x-message-ttl": 5, "x-dead-letter-exchange": "dlx"}),
            "tells",
            "dead-lettered to “dlx”",
        ),
        (info(effective_policy={"expires": 1_000}), "loses", "deleted with all that is in it"),
        (info(exclusive=True), "loses", "ends with it"),
        (info(auto_delete=True), "tells", "when its last consumer leaves"),
        (info(durable=False), "tells", "does not outlive a restart"),
        (info(state="minority"), "stops", "its state is minority"),
    ],
)
def test_what_else_stands_against_it_is_told(queue: QueueInfo, level: str, words: str) -> None:
    verdict = destination.judged(queue, 2)
    (told,) = getattr(verdict, level)
    assert words in told
    assert len((*verdict.stops, *verdict.loses, *verdict.tells)) == 1


def test_of_a_stream_its_retention_is_no_limit() -> None:
    stream = QueueInfo("/", "q", "stream", ready=9, message_bytes=99, arguments={"x-max-length-bytes": 100})
    verdict = destination.judged(stream, 10, 100.0)
    assert verdict.tells == ("“q” is a stream: what is in it cannot be taken out again.",)
    assert not verdict.stops + verdict.loses


def test_one_message_may_go_where_somebody_waits_for_it() -> None:
    queue = info(consumers=1, arguments={"x-message-ttl": 0, "x-expires": 1})
    assert not destination.judged(queue, 1).loses
    assert destination.judged(queue, 2).loses
