"""A database of a checkout from before 0.1.0: it goes on, or migrate says what is wrong with it."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

OLDER = [
    ("core", "0002_operations_pace"),
    ("consumers", "0002_deadlines_limits_suspects"),
    ("consumers", "0006_leaner_records"),
    ("deadletters", "0005_capture_windows"),
]


def test_a_database_with_all_the_older_migrations_has_nothing_to_apply(db: None) -> None:
    recorder = MigrationRecorder(connection)
    for app, name in OLDER:
        recorder.record_applied(app, name)
    said = io.StringIO()
    call_command("migrate", stdout=said)
    assert "No migrations to apply" in said.getvalue()


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        ("DROP COLUMN words", "ADD COLUMN words varchar(500) NOT NULL DEFAULT ''"),
        ("ADD COLUMN ack_pending integer", "DROP COLUMN ack_pending"),
    ],
)
def test_one_with_other_columns_than_recorded_is_refused(
    transactional_db: None, change: str, undo: str
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE core_operation {change}")
        try:
            with pytest.raises(CommandError, match="core_operation is of a version before"):
                call_command("migrate", verbosity=0)
        finally:
            cursor.execute(f"ALTER TABLE core_operation {undo}")
    call_command("migrate", verbosity=0)
