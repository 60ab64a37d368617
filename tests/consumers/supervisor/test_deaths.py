"""What a death counts for, in tables; and that no number of kills from outside ends a consumer that works."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from consumers.models import ConsumerProcess
from consumers.status import state_words
from consumers.supervisor import deaths
from consumers.supervisor.deaths import Counts, Exit, Life
from tests.consumers.supervisor.conftest import SteppedSupervisor
from tests.consumers.supervisor.reconciling import NOW, ago

KILLED = Exit(-9, "exit 137: killed from outside (SIGKILL)", outside=True)
CRASHED = Exit(1, "exit 1")
WORKED = Life(ago(5), ago(3), 0)  # subscribed, that is all
HANDLED = Life(ago(5), ago(3), 1)
EARLY = Life(None, ago(3), 0)
LONG = Life(ago(700), ago(1), 900)


@pytest.mark.parametrize(
    ("before", "exit", "life", "after"),
    [
        (Counts(), KILLED, WORKED, Counts(kills=1, kills_since=NOW)),
        (Counts(5, 5), KILLED, WORKED, Counts(5, 0, 1, NOW)),
        (Counts(2, 0, 6, ago(600)), KILLED, WORKED, Counts(2, 0, 7, ago(600))),
        (Counts(2, 0, 6, ago(600)), KILLED, LONG, Counts(0, 0, 1, NOW)),
        (Counts(2, 2, 6, ago(600)), KILLED, EARLY, Counts(3, 3)),
        (Counts(0, 0, 6, ago(600)), CRASHED, HANDLED, Counts(1)),
        (Counts(4, 4), CRASHED, WORKED, Counts(5, 5)),
        (Counts(4, 4), CRASHED, HANDLED, Counts(5, 0)),
        (Counts(4, 4), CRASHED, LONG, Counts(1)),
    ],
    ids=[
        "killed at work",
        "which says nothing of earlier crashes",
        "killed once more",
        "killed after ten healthy minutes",
        "killed before it consumed: perhaps its start is what is killed",
        "its own death ends the row of kills",
        "crashed early",
        "crashed after a message",
        "crashed after ten healthy minutes",
    ],
)
def test_a_death_counts_for_what_it_says(before: Counts, exit: Exit, life: Life, after: Counts) -> None:
    assert deaths.counted(before, exit, life, NOW) == after


def test_the_wait_after_kills_stays_short() -> None:
    waits = [deaths.wait(Counts(crashes=9, kills=n)) for n in (1, 2, 3, 4, 5, 500)]
    assert waits == [0, 2, 4, 8, 15, 15]


def test_nothing_waits_after_the_first_death_of_one_that_consumed() -> None:
    assert [deaths.wait(Counts(crashes=n)) for n in (1, 2, 3)] == [0, 2, 4]
    assert [deaths.wait(Counts(crashes=n, early_deaths=n)) for n in (1, 2)] == [1, 2]


def test_kills_in_words() -> None:
    once, often = Counts(kills=1, kills_since=NOW), Counts(kills=6, kills_since=ago(600))
    assert deaths.words(KILLED, once, NOW) == "exit 137: killed from outside (SIGKILL)"
    assert deaths.words(KILLED, often, NOW) == (
        "exit 137: killed from outside (SIGKILL), 6 times in 10 min; it worked each time in between"
    )


def test_killed_again_and_again_it_is_started_each_time(stepped: SteppedSupervisor) -> None:
    """Six deaths of its own before it consumes are the end; eight kills while it consumes are not."""
    consumer = stepped.define("calm-a")
    for number in range(1, 9):
        row = stepped.ready(consumer)
        ConsumerProcess.objects.filter(pk=row.pk).update(subscribed_at=timezone.now(), state="running")
        os.kill(row.pid or 0, signal.SIGKILL)
        held = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff", ended_at=None).first())
        assert (held.pk, held.kills, held.crashes, held.early_deaths) == (row.pk, number, 0, 0)
        assert held.next_start_at - timezone.now() < timedelta(seconds=deaths.KILLED_MAX_S)
        ConsumerProcess.objects.filter(pk=held.pk).update(next_start_at=timezone.now())
    assert "killed from outside (SIGKILL), 8 times in " in held.state_reason
    last = stepped.ready(consumer)
    words = state_words.killed_words(last, last.kills_since + timedelta(minutes=10))
    assert words == "Killed from outside 8 times in 10 min; it worked each time in between."


def test_out_of_memory_is_told_from_a_kill(
    stepped: SteppedSupervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's count of such kills grew with the death: it is the process's own, and its backoff grows."""
    count = [7]
    monkeypatch.setattr("consumers.supervisor.machine.oom.kills", lambda: count[0])
    consumer = stepped.define("calm-b")
    row = stepped.ready(consumer)
    ConsumerProcess.objects.filter(pk=row.pk).update(subscribed_at=timezone.now())
    count[0] = 8
    os.kill(row.pid or 0, signal.SIGKILL)
    held = stepped.until(lambda: ConsumerProcess.objects.filter(state="backoff").first())
    assert held.state_reason.startswith("exit 137: killed by the kernel, out of memory (SIGKILL)")
    assert (held.kills, held.crashes) == (0, 1)
