"""What the tests of handlers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.web_servers import Server, http_server


@pytest.fixture
def server() -> Iterator[Server]:
    with http_server() as found:
        yield found
