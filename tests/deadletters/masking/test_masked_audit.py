"""What is masked stays out of the audit log, also where somebody who may see it searches for it or edits it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.deadletters.acts import decide, exporting, patching
from mqadmin.deadletters.acts.patching import Change
from mqadmin.deadletters.masking import masking
from mqadmin.deadletters.requeue import requeue
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.search import searching, selection
from tests.deadletters.factories import died, letter

pytestmark = [
    pytest.mark.broker,
    pytest.mark.any_version,
    pytest.mark.usefixtures("_broker"),
    pytest.mark.django_db(transaction=True),
]

BY = Actor("olga")
QUERY = "source:orders payload.card.number=4111-secret top-secret"


@pytest.fixture
def chosen(settings: Any) -> selection.Selection:
    settings.MQADMIN_MASKED = ["payload.card.number", "header.Authorization"]
    body = json.dumps({"card": {"number": "4111-secret"}, "note": "top-secret"}).encode()
    letter(body, headers={**died(), "authorization": "Bearer secret"})
    with masking.revealing(True):
        found = selection.all_that_match(selection.Filter("default", q="source:orders id>0"))
    assert found.filter is not None
    return selection.Selection(
        "default", filter=selection.Filter("default", q=QUERY), up_to=found.up_to, reveals=True
    )


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (QUERY, "source:orders payload.card.number=••• •••"),
        ('source:orders -"4111 secret" died:<2h', "source:orders -••• died:<2h"),
        ("(header.authorization:x OR payload.cards>5)", "(header.authorization:••• OR payload.cards>5)"),
        ("error:secret", "error:•••"),
        ("", ""),
        ("source:(", "•••"),
    ],
)
def test_a_query_as_others_may_read_it(settings: Any, query: str, told: str) -> None:
    settings.MQADMIN_MASKED = ["payload.card.number", "header.Authorization"]
    assert searching.without_masked(query) == told
    settings.MQADMIN_MASKED = []
    assert searching.without_masked(query) == query


def test_no_act_writes_what_was_searched_for(chosen: selection.Selection) -> None:
    with masking.revealing(True):
        exporting.export(selection=chosen, by=BY)
        patching.start(selection=chosen, change=Change(find="4111-secret", replace="other-secret"), by=BY)
        steps = ({"op": "replace", "path": "/body/card/number", "value": "new-secret"},)
        patching.start(selection=chosen, change=Change(patch=steps), by=BY)
        with pytest.raises(Refusal, match="no queue"):  # what is refused is in the log as well
            requeue.start(selection=chosen, to=To("source"), by=BY)
        decide.discard(selection=chosen, by=BY)
    entries = list(AuditEntry.objects.values_list("target", "detail"))
    assert len(entries) == 5
    assert "secret" not in json.dumps(entries)
    assert all("source:orders" in target for target, _detail in entries)
    # The worker must know what to look for.
    assert all(QUERY in json.dumps(operation.params) for operation in Operation.objects.all())
