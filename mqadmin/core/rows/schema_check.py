"""Whether the tables are those that the recorded migrations made: asked before every migrate."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils.translation import gettext as _

from mqadmin.core import database

APPS = ("core", "queues", "consumers", "deadletters")


def check(*, using: str, apps: Apps, **_kwargs: Any) -> None:
    """Refuse a database that a checkout from before 0.1.0 began and did not finish.

    Each app had several migrations then and has one now, under the name of the first. Where all of them ran the
    tables are the same. Where only some ran, `migrate` would find nothing to do and leave tables that lack columns.
    `apps`: the models as the recorded migrations describe them. Raises CommandError.
    """
    connection = connections[using]
    newer = database.newer_than_this(set(MigrationRecorder(connection).applied_migrations()))
    if newer:
        raise CommandError(newer)
    models = [model for model in apps.get_models() if model._meta.app_label in APPS and model._meta.managed]
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for model in models:
            table = model._meta.db_table
            columns = connection.introspection.get_table_description(cursor, table) if table in tables else []
            found = {column.name for column in columns}
            if found != {field.column for field in model._meta.local_concrete_fields}:
                raise CommandError(
                    _(
                        "The table %(table)s is of a version before 0.1.0 that was not fully migrated. "
                        "Migrate it with that version first, or begin with an empty database."
                    )
                    % {"table": table}
                )
