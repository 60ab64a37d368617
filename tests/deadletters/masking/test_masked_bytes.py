"""What is shown beside a hidden value is what the message says; a value given twice is hidden twice."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.masking.masking import SHOWN
from tests.deadletters.factories import died, letter

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.MQADMIN_MASKED = ["payload.card.number", "payload.*.pin"]


def test_the_rest_of_a_body_is_shown_as_it_is_written() -> None:
    body = '{"amount": 12345678901234567.89,"k":1, "k":1.10, "card" : {"number": 4111, "x":"\\u00e9"}}\n'
    shown = copy.copy(letter(body.encode()))
    assert masking.hide(shown) == 1
    assert bytes(shown.body).decode() == body.replace("4111", f'"{SHOWN}"')


def test_a_field_that_is_given_twice_is_hidden_twice() -> None:
    cards = b'"card": {"number": "first-one"}, "card": {"number": "second", "number": "third"}'
    body = b"{" + cards + b', "a": [{"pin": "fourth"}]}'
    shown = copy.copy(
        letter(body, headers=died(type="Error", message="first-one, second, third and fourth declined"))
    )
    assert masking.hide(shown) == 4
    told = bytes(shown.body).decode() + shown.error + str(shown.headers)
    assert not any(value in told for value in ("first-one", "second", "third", "fourth"))


def test_a_number_is_hidden_as_it_is_written_and_as_programs_print_it() -> None:
    body = b'{"card": {"number": 12345678901234567.89}}'
    error = "12345678901234567.89 (1.2345678901234568e+16) declined"
    shown = copy.copy(letter(body, headers=died(type="Error", message=error)))
    masking.hide(shown)
    assert shown.error == f"{SHOWN} ({SHOWN}) declined"


def test_a_body_too_deep_to_be_looked_through_is_hidden_altogether() -> None:
    shown = copy.copy(letter(b'{"a":' * 400 + b'{"pin":"secret"}' + b"}" * 400))
    assert masking.hide(shown) == 1
    assert bytes(shown.body).decode() == SHOWN
