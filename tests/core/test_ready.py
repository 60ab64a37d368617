"""What a web process loads before its first request, and how little of memory it takes for good."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from django.db import connection, connections
from django.db.backends.signals import connection_created
from django.template import engines

from mqadmin import ready, resident


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    gc.unfreeze()
    connection_created.disconnect(dispatch_uid="resident")


def test_templates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "_is_ready", False)
    loader = engines["django"].engine.template_loaders[0]
    loader.reset()
    ready.make_ready()
    assert "queues/list.html" in loader.get_template_cache
    loader.reset()
    ready.make_ready()
    assert not loader.get_template_cache, "what is forked from one that is ready looks at none of it"


@pytest.mark.django_db(transaction=True)
def test_the_collector_passes_over_what_is_there_and_caches_are_small(restored: None) -> None:
    resident.keep_small(cache_kb=123)
    assert gc.get_freeze_count() > 10_000
    if connection.vendor == "sqlite":
        made = connections.create_connection("default")
        try:
            with made.cursor() as cursor:
                assert cursor.execute("PRAGMA cache_size").fetchone() == (-123,)
        finally:
            made.close()


@pytest.mark.django_db(transaction=True)
def test_a_rehearsal_asks_all_tables_and_leaves_no_connection(
    restored: None, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []
    connection_created.connect(
        lambda connection, **_more: connection.execute_wrappers.append(
            lambda execute, sql, *more: (asked.append(sql), execute(sql, *more))[1]
        ),
        weak=False,
        dispatch_uid="resident",
    )
    connections.close_all()
    with caplog.at_level("INFO", "mqadmin.ready"):
        ready.rehearse()
    assert caplog.messages == []
    assert any("queues_queue" in sql for sql in asked)
    assert connection.connection is None
    connection.execute_wrappers.clear()
