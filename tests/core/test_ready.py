"""What a web process loads before its first request."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from django.template import engines

from mqadmin import ready


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_templates_are_read_and_the_collector_passes_over_them(collector: None) -> None:
    loader = engines["django"].engine.template_loaders[0]
    loader.reset()
    ready.make_ready()
    assert "queues/list.html" in loader.get_template_cache
    assert gc.get_freeze_count() > 10_000
