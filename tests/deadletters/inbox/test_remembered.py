"""What history keeps of causes: the letters that wait, and all that are kept."""

from __future__ import annotations

import pytest

from mqadmin.deadletters.inbox import remembered
from mqadmin.deadletters.models import DeadLetter
from mqadmin.history.recording import Key
from tests.deadletters.factories import letter

pytestmark = pytest.mark.django_db


def test_letters_of_a_cause_by_what_became_of_them() -> None:
    for status in (DeadLetter.Status.PARKED, DeadLetter.Status.PARKED, DeadLetter.Status.REQUEUED):
        letter(group="a", status=status)
    letter(group="b", status=DeadLetter.Status.DISCARDED)
    letter(group="a", broker="elsewhere")
    broker = DeadLetter.objects.filter(group="b").get().broker
    assert remembered.source(broker) == {Key("cause", "", "a"): (2, 3), Key("cause", "", "b"): (0, 1)}
    DeadLetter.objects.filter(group="b").delete()
    assert remembered.source(broker) == {Key("cause", "", "a"): (2, 3)}
