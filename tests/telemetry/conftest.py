from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.otlp import Receiver, receiver


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A receiver that this process is told to send to."""
    with receiver() as found:
        for name, value in found.environ().items():
            monkeypatch.setenv(name, value)
        yield found
