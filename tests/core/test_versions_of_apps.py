"""A database of another version is told by every app that has tables."""

from __future__ import annotations

from django.apps import apps

from mqadmin.core import database


def test_the_migrations_of_every_app_of_ours_are_looked_at() -> None:
    ours = [
        config
        for config in apps.get_app_configs()
        if config.name.partition(".")[0] in ("mqadmin", "consumers")
    ]
    with_tables = {config.label: config.name for config in ours if list(config.get_models())}
    assert set(with_tables.items()) <= set(database.APPS.items())
    assert len(with_tables) > 5
