"""Two configured brokers, at addresses where nothing answers; one of them is production."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mqadmin.core import brokers

TOML = """
[brokers.lab]
title = "The lab"
amqp_url = "amqp://127.0.0.1:1"

[brokers.shop]
title = "The shop"
amqp_url = "amqp://127.0.0.1:1"
environment = "production"
"""


@contextmanager
def two_brokers(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Within, `lab` and `shop` are configured."""
    file = tmp_path / "brokers.toml"
    file.write_text(TOML)
    settings.MQADMIN_BROKERS_FILE = str(file)
    brokers.forget()
    yield
    brokers.forget()
