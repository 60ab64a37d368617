"""People who are called by mail and by a webhook: built-in rules on what a sampler wrote, at made-up moments."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from mqadmin.alerts.engine.evaluation import Evaluator
from mqadmin.alerts.models import Channel, Rule
from mqadmin.alerts.rules import built_in
from mqadmin.alerts.telling import messages, outbox, services
from mqadmin.core import brokers
from mqadmin.rabbit.config import BrokerConfig
from tests.support.mail_server import MailServer, mail_server
from tests.support.web_servers import Server, http_server

FOR_S = 60  # a rule on what needs a look waits for ten minutes: here as long as that on broken queues


@dataclass
class Called:
    """What arrived. `at` evaluates and sends, in the thread of the test: it has no other clock."""

    mail: MailServer
    web: Server
    evaluator: Evaluator = field(default_factory=Evaluator)

    def at(self, moment: float) -> None:
        now = datetime.fromtimestamp(moment, UTC)
        self.evaluator.evaluate(now)
        while due := outbox.due(now):
            for item in due:
                claimed = outbox.claim(item.id, "test", now)
                assert claimed is not None
                assert claimed.channel is not None
                answer = services.send(claimed.channel, messages.of(claimed))
                assert answer.ok, answer.text
                outbox.finish(claimed, answer, now)

    @property
    def mails(self) -> list[str]:
        return [str(mail["subject"]) for mail in self.mail.mails]

    @property
    def hooks(self) -> list[tuple[str, str]]:
        """Each event that the webhook was told of, and the kind of its incident."""
        found = [json.loads(request.body) for request in self.web.requests]
        return [(item["event"], item["kind"]) for item in found]


@contextlib.contextmanager
def called(config: BrokerConfig, monkeypatch: pytest.MonkeyPatch) -> Iterator[Called]:
    """Have somebody called about the broker `config`. Watch rules are as built in, but sooner."""
    monkeypatch.setattr(brokers, "_configs", {"default": config})
    built_in.ensure()
    Rule.objects.filter(about__in=("verdict", "broker_reason"), level="watch").update(
        for_s=FOR_S, clear_s=FOR_S, changed_by="ann"
    )
    Channel.objects.create(name="mail", variable="MQADMIN_ALERT_MAIL")
    hook = {"variable": "MQADMIN_ALERT_HOOK", "secret_variable": "MQADMIN_ALERT_KEY"}
    Channel.objects.create(name="hook", kind=Channel.Kind.WEBHOOK, **hook)
    with mail_server() as mail, http_server() as web:
        address = f"mailto://127.0.0.1:{mail.port}/?from=mqadmin@shop.example&to=oncall@shop.example"
        monkeypatch.setenv("MQADMIN_ALERT_MAIL", address)
        monkeypatch.setenv("MQADMIN_ALERT_HOOK", f"{web.url}/hook")
        monkeypatch.setenv("MQADMIN_ALERT_KEY", "the key")
        yield Called(mail, web)
