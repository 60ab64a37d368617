"""Each statement has its words, and the dialog shows the worst first."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from django.template.loader import render_to_string

from mqadmin.administration.effects import touched
from mqadmin.administration.effects import words as effect_words
from mqadmin.rabbit.effects.change import DeleteExchange, PutPolicy
from mqadmin.rabbit.effects.effect import Code, Statement
from mqadmin.rabbit.effects.predict import predict
from mqadmin.rabbit.effects.state import VhostState
from mqadmin.rabbit.types import BindingInfo, ExchangeInfo, PolicyInfo, QueueInfo

PARAMS: dict[str, Any] = {
    "queues": 2, "messages": 3, "connections": None, "limit": 4, "count": 5, "what": "policies", "kind": "queue",
    "name": "n", "exchange": "x", "routing_key": None, "sure": False, "about": True, "in_bytes": True, "to": ("t",),
    "ms": 1500, "in_use": False, "why": "nowhere", "before": ("b",), "after": ("c",), "policies": ("p",),
    "policy": "p", "keys": ("max-age",), "unacked": 0, "overflow": "reject-publish",
}  # fmt: skip


@pytest.mark.parametrize("code", get_args(Code))
def test_each_statement_has_words(code: Code) -> None:
    params = {**PARAMS, "after": 3} if code == "delivery_limit" else PARAMS
    words = effect_words.sentence(Statement(code, "tells", "q", params))
    assert words.endswith(".")
    assert "%(" not in words


def test_the_dialog_tells_the_loss_first_and_shows_names_as_text() -> None:
    name = '<script>a"\u202e'
    info = QueueInfo("/", name, "classic", ready=10, total=10, unacked=0, consumers=0, message_bytes=1000)
    state = VhostState("/", {name: info}, version=(4, 0))
    policy = PolicyInfo("/", "p", "a", 0, {"max-length": 4, "message-ttl": 60_000})
    panel = touched.context(predict(state, PutPolicy(policy)))
    assert [item["tone"] for item in panel["levels"]] == ["red"]
    assert len(panel["levels"][0]["sentences"]) == 2
    html = render_to_string(touched.TEMPLATE, {"panel": panel})
    assert "6 messages" in html
    assert "<script>" not in html
    assert "\u202e" not in html
    assert html.index("6 messages") < html.index("max-length")


@pytest.mark.parametrize(
    ("type", "keys", "counted"),
    [
        ("direct", ["a"], "routing key: with 1 a message"),
        ("direct", ["a", "b", "c"], "routing key: with 3 of them a message"),
        ("fanout", [], "loses the channel."),
    ],
)
def test_who_publishes_to_an_exchange_that_goes_is_told_of_once(
    type: str, keys: list[str], counted: str
) -> None:
    bindings = tuple(BindingInfo("/", "x", "q", "queue", key) for key in keys)
    queues = {"q": QueueInfo("/", "q", "classic")}
    state = VhostState("/", queues, {"x": ExchangeInfo("/", "x", type)}, bindings, version=(4, 0))
    said = [effect_words.sentence(item) for item in predict(state, DeleteExchange("x")).statements]
    (told,) = [text for text in said if "is refused" in text]
    assert counted in told
