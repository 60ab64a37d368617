"""From a definition to what a process is told."""

from __future__ import annotations

from typing import Any

import pytest

from consumers.models import Consumer
from consumers.process import definition_spec
from consumers.runtime.spec import DeadLetterTarget
from mqadmin.rabbit.config import BrokerConfig
from mqadmin.rabbit.errors import ConfigurationError
from mqadmin.rabbit.management_api.client import ManagementClient


@pytest.mark.parametrize(
    ("arguments", "policy", "expected"),
    [
        ({}, {}, None),
        ({"x-dead-letter-exchange": "dlx"}, {}, DeadLetterTarget("dlx", None)),
        ({}, {"dead-letter-exchange": "p", "dead-letter-routing-key": "k"}, DeadLetterTarget("p", "k")),
        (
            {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"},
            {"dead-letter-exchange": "p", "dead-letter-routing-key": "k"},
            DeadLetterTarget("", "dead"),
        ),
    ],
)
def test_an_argument_wins_over_the_policy(
    arguments: dict[str, Any], policy: dict[str, Any], expected: DeadLetterTarget | None
) -> None:
    assert definition_spec.dead_letter_target(arguments, policy) == expected


@pytest.mark.broker
@pytest.mark.django_db
class TestAgainstTheBroker:
    def define(self, vhost: str, **fields: Any) -> Consumer:
        return Consumer(name="work", broker="default", vhost=vhost, queue="work", handler="record", **fields)

    def test_the_queue_is_asked_when_no_picture_is_there(
        self, broker_config: BrokerConfig, management: ManagementClient, vhost: str
    ) -> None:
        management.declare_queue(vhost, "work", arguments={"x-dead-letter-exchange": "dlx"})
        assert definition_spec.spec(self.define(vhost)).dead_letter == DeadLetterTarget("dlx", None)

    def test_reject_without_a_target_is_refused(self, management: ManagementClient, vhost: str) -> None:
        management.declare_queue(vhost, "work")
        with pytest.raises(ConfigurationError, match="no dead-letter exchange"):
            definition_spec.spec(self.define(vhost, on_failure=Consumer.OnFailure.REJECT))

    def test_a_stream_is_refused(self, management: ManagementClient, vhost: str) -> None:
        management.declare_queue(vhost, "work", arguments={"x-queue-type": "stream"})
        with pytest.raises(ConfigurationError, match="stream"):
            definition_spec.spec(self.define(vhost))

    def test_a_missing_queue_is_waited_for(self, broker_config: BrokerConfig, vhost: str) -> None:
        assert definition_spec.spec(self.define(vhost)).dead_letter is None

    @pytest.mark.parametrize(
        ("arguments", "why"),
        [
            ({"x-dead-letter-exchange": "gone"}, "exchange gone, which does not exist"),
            ({"x-dead-letter-exchange": "empty"}, "exchange empty, which leads to no queue"),
            (
                {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "other"},
                "exchange dlx, which leads to no queue",
            ),
            (
                {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "gone"},
                "queue gone, which does not exist",
            ),
            ({"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "work"}, "to itself"),
        ],
    )
    def test_reject_is_refused_where_rabbitmq_would_drop_the_message(
        self, arguments: dict[str, Any], why: str, management: ManagementClient, vhost: str
    ) -> None:
        self.targets(management, vhost)
        management.declare_queue(vhost, "work", arguments=arguments)
        with pytest.raises(ConfigurationError, match=why):
            definition_spec.spec(self.define(vhost, on_failure=Consumer.OnFailure.REJECT))
        assert definition_spec.spec(self.define(vhost)).dead_letter, (
            "copies are parked where they find no queue"
        )

    @pytest.mark.parametrize(
        "arguments",
        [
            {"x-dead-letter-exchange": "dlx"},
            {"x-dead-letter-exchange": "dlx", "x-dead-letter-routing-key": "dead"},
            {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"},
        ],
    )
    def test_reject_is_left_to_a_target_that_works(
        self, arguments: dict[str, Any], management: ManagementClient, vhost: str
    ) -> None:
        self.targets(management, vhost)
        management.declare_queue(vhost, "work", arguments=arguments)
        assert definition_spec.spec(
            self.define(vhost, on_failure=Consumer.OnFailure.REJECT)
        ).reject_on_failure

    @staticmethod
    def targets(management: ManagementClient, vhost: str) -> None:
        management.declare_queue(vhost, "dead")
        for name in ("dlx", "empty"):
            management.declare_exchange(vhost, name)
        management.bind(vhost, "dlx", "dead", routing_key="dead")
