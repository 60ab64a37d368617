"""The API's tests run with one broker configured, and with two: naming one must never be needed, nor enough, by
chance. A conftest imports `number_of_brokers` for its folder, a module for itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mqadmin.core import brokers
from mqadmin.rabbit import config
from mqadmin.rabbit.config import BrokerConfig
from tests.support.broker import NOWHERE
from tests.support.length import FULL

ANOTHER = "another"

# For what takes long and is about something else: with two, where the broker that is asked for is not the first.
NUMBERS = {"one broker": 1, "two brokers": 2} if FULL else {"two brokers": 2}
TWO_WILL_DO = pytest.mark.parametrize(
    "number_of_brokers", list(NUMBERS.values()), ids=list(NUMBERS), indirect=True
)


@pytest.fixture(params=[1, 2], ids=["one broker", "two brokers"], autouse=True)
def number_of_brokers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Have `default` configured alone, then behind another one, where nothing answers.

    `default` stays what the environment says at the time: tests point it elsewhere.
    """
    read = config.load

    def load(environ: Mapping[str, str], file: str | Path | None = None) -> dict[str, BrokerConfig]:
        (nowhere,) = read(NOWHERE).values()
        return {ANOTHER: dataclasses.replace(nowhere, slug=ANOTHER), **read(environ, file)}

    if request.param == 2:
        monkeypatch.setattr(config, "load", load)
    brokers.forget()
    yield request.param
    brokers.forget()
