"""Every state that a page may show has a colour, and every colour is one that the style sheet knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import pytest

from consumers.models import ConsumerProcess, Record
from consumers.status import tones as consumers
from consumers.views.trying import OUTCOMES
from mqadmin.core import tones
from mqadmin.core.models import Operation
from mqadmin.deadletters.inbox import tones as deadletters
from mqadmin.deadletters.models import DeadLetter
from mqadmin.queues.models import Queue
from mqadmin.queues.pages import tones as queues
from mqadmin.queues.pages.broker_status import Level


@pytest.mark.parametrize(
    ("table", "states"),
    [
        (tones.OPERATION, Operation.Status.values),
        (queues.HEALTH, Queue.Health.values),
        (queues.BROKER, get_args(Level)),
        (consumers.PROCESS, ConsumerProcess.State.values),
        (consumers.OUTCOME, {*Record.Outcome.values, *OUTCOMES}),
        (deadletters.STATUS, DeadLetter.Status.values),
    ],
)
def test_each_state_has_one(table: Mapping[str, str], states: object) -> None:
    assert set(table) == set(states)  # type: ignore[call-overload]


@pytest.mark.parametrize("module", [tones, queues, consumers, deadletters])
def test_no_table_names_another_colour(module: object) -> None:
    tables = [value for name, value in vars(module).items() if name.isupper() and isinstance(value, dict)]
    assert tables
    assert {tone for table in tables for tone in table.values()} <= tones.ALL
