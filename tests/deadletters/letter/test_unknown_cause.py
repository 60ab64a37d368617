"""Letters that were stored before there was a word for a death of which nothing tells."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.db import connection

from mqadmin.deadletters.models import DeadLetter
from tests.deadletters.factories import died, letter


@pytest.mark.django_db(transaction=True)
def test_what_was_called_a_failed_handler_without_a_word_of_it_is_renamed() -> None:
    bare, celery = letter(headers={}), letter(headers={"lang": "py", "task": "t", "id": "1"})
    failed = letter(headers={"mqadmin-death-queue": "orders", "mqadmin-death-reason": "error"})
    rejected = letter(headers=died())
    groups = dict(DeadLetter.objects.values_list("pk", "group"))
    assert (bare.reason, celery.reason, failed.reason, rejected.reason) == (
        "unknown",
        "unknown",
        "error",
        "rejected",
    )
    DeadLetter.objects.filter(reason="unknown").update(reason="error", death_count=1)

    migration = importlib.import_module("mqadmin.deadletters.migrations.0002_unknown_cause")
    with connection.schema_editor() as editor:
        migration.call_it_unknown(apps, editor)

    told = DeadLetter.objects.order_by("pk").values_list("reason", "death_count")
    assert list(told) == [("unknown", 0), ("unknown", 0), ("error", 1), ("rejected", 1)]
    assert dict(DeadLetter.objects.values_list("pk", "group")) == groups
