from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from consumers.handlers import registry
from consumers.handlers.registry import handler, option
from consumers.runtime.api import Reject
from consumers.runtime.handling import running
from consumers.runtime.handling.running import Policies
from consumers.runtime.outcome import Acked, DeadLettered
from consumers.runtime.spec import RetryPolicy
from tests.consumers.handlers.deliveries import delivery

NO_RETRIES = Policies(RetryPolicy())


@dataclass(frozen=True)
class Window:
    low: int = option(1)
    high: int = option(5)


def in_order(options: Window) -> None:
    if options.low > options.high:
        raise ValueError("low must not be above high")


@pytest.fixture(autouse=True)
def fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.load()
    monkeypatch.setattr(registry, "_handlers", dict(registry._handlers))
    monkeypatch.setattr(registry, "_problems", {})


def reload(monkeypatch: pytest.MonkeyPatch, settings: Any, *modules: str) -> None:
    settings.MQADMIN_HANDLERS = ["consumers.handlers.builtin", *modules]
    monkeypatch.setattr(registry, "_loaded", False)
    registry.load()


def test_built_in_and_reference_handlers_are_there_and_the_collector_is_not_offered() -> None:
    names = {found.name for found in registry.all()}
    assert {"record", "collect", "tasks.run", "threads.work", "priority.work", "orders.process"} <= names
    assert {"logs.store", "logs.alert"} <= names
    offered = {found.name for found in registry.offered()}
    assert offered == names - {"collect"}
    assert registry.get("collect").kind == "collect"


def test_bound_handler_gets_its_options() -> None:
    seen = []

    @handler("test.window", title="Window", options=Window)
    def window(message: Any, options: Window) -> None:
        seen.append((message.body, options))

    registry.bind(registry.get("test.window"), {"low": "2"})(delivery(b"x"))
    assert seen == [(b"x", Window(2, 5))]
    assert [item.name for item in registry.option_fields(registry.get("test.window"))] == ["low", "high"]


def test_a_batch_handler_takes_a_list_and_says_so() -> None:
    seen = []

    @handler("test.batch", title="Batch", options=Window, batch=True)
    def batch(messages: Any, options: Window) -> list[Exception | None]:
        seen.append(([message.body for message in messages], options.low))
        return [None, Reject("no")]

    found = registry.get("test.batch")
    assert found.batch
    assert not registry.get("record").batch
    returned = registry.bind(found, {"low": "3"})([delivery(b"x"), delivery(b"y")])
    assert seen == [([b"x", b"y"], 3)]
    assert isinstance(returned, list)
    assert [str(result) for result in returned] == ["None", "no"]


def test_check_speaks_of_all_options() -> None:
    handler("test.checked", title="Checked", options=Window, check=in_order)(lambda message, options: None)
    registry.bind(registry.get("test.checked"), {})
    with pytest.raises(registry.OptionsError) as caught:
        registry.bind(registry.get("test.checked"), {"low": 9})
    assert caught.value.errors == {"": "low must not be above high"}


def test_unknown_handler_is_said_in_words() -> None:
    with pytest.raises(registry.UnknownHandler, match=r"No handler is named 'nope'.*orders\.process"):
        registry.get("nope")


def test_two_handlers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"record.*consumers\.handlers\.builtin\.record"):
        handler("record", title="Again")(lambda message: None)


def test_a_module_that_cannot_be_imported_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    (tmp_path / "broken_handlers.py").write_text("import no_such_thing")
    (tmp_path / "fine_handlers.py").write_text(
        "from consumers.handlers.registry import handler\n"
        "@handler('fine.one', title='Fine')\n"
        "def one(message): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    reload(monkeypatch, settings, "broken_handlers", "fine_handlers")

    assert registry.get("fine.one").title == "Fine"
    assert registry.get("record")
    assert "No module named 'no_such_thing'" in str(registry.problems()["broken_handlers"])
    with pytest.raises(registry.HandlerImportError, match="broken_handlers cannot be imported"):
        registry.get("broken.one")
    sys.modules.pop("fine_handlers", None)


def test_packages_name_modules_as_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Beside those of the setting, each module once; one that is broken is told with its package."""
    (tmp_path / "acme_handlers.py").write_text(
        "from consumers.handlers.registry import handler\n"
        "@handler('acme.one', title='One')\n"
        "def one(message): pass\n"
    )
    (tmp_path / "acme_broken.py").write_text("import no_such_thing")
    about = tmp_path / "acme_shop-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-shop\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[mqadmin.handlers]\nsecond = acme_broken\nfirst = acme_handlers\n[other]\nx = no_such\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    reload(monkeypatch, settings, "acme_handlers")

    assert registry.get("acme.one").title == "One"
    assert list(registry.problems()) == ["acme_broken"]
    assert "acme_broken (of acme-shop) cannot be imported" in str(registry.problems()["acme_broken"])
    sys.modules.pop("acme_handlers", None)


async def waits(message: Any) -> None:
    raise AssertionError("never run")


def yields(message: Any) -> Iterator[None]:
    yield


async def both(message: Any) -> AsyncIterator[None]:
    yield


@pytest.mark.parametrize("function", [waits, yields, both])
def test_a_function_that_does_nothing_when_it_is_called_is_refused(function: Any) -> None:
    """Each of its messages would be acked, and none handled."""
    with pytest.raises(TypeError, match="does nothing when it is called"):
        handler("test.idle", title="Idle")(function)
    assert "test.idle" not in {found.name for found in registry.all()}


@pytest.mark.parametrize("function", [waits, yields, both])
def test_what_hides_behind_a_plain_function_fails_its_messages(function: Any) -> None:
    @handler("test.wrapped", title="Wrapped")
    def wrapped(message: Any) -> Any:
        return function(message)

    finished = running.run(registry.bind(registry.get("test.wrapped"), {}), delivery(b"x"), NO_RETRIES)
    assert finished.error_type == "NotRun"
    assert finished.outcome == DeadLettered("error")


@pytest.mark.parametrize("returned", [None, True, False, 0, "no", {"a": 1}, [None], object()])
def test_whatever_else_is_returned_acks(returned: object) -> None:
    assert running.run(lambda _message: returned, delivery(b"x"), NO_RETRIES).outcome == Acked()


@pytest.mark.parametrize(
    ("function", "options", "why"),
    [
        (lambda: None, None, "must take a message alone: too many positional arguments"),
        (
            lambda message, other: None,
            None,
            "must take a message alone: missing a required argument: 'other'",
        ),
        (lambda message: None, Window, "must take a message and `options`: got an unexpected keyword"),
        (lambda message, *, options: None, None, "must take a message alone: missing a required"),
    ],
)
def test_a_function_that_could_be_called_for_no_message_is_refused(
    function: Any, options: Any, why: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(why)):
        handler("test.uncallable", title="Uncallable", options=options)(function)


@dataclass(frozen=True)
class Careful:
    low: int = option(1)

    def __post_init__(self) -> None:
        if self.low > 5:
            raise ValueError("low is high")


def broken(*_: Any) -> None:
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"options": Careful}, "low is high"),
        ({"options": Window, "check": broken}, "test.broken cannot check them: KeyError: 'no such thing'"),
        ({"options": Window, "prepare": broken}, "test.broken cannot check them: KeyError: 'no such thing'"),
    ],
)
def test_whatever_goes_wrong_with_options_is_a_reason(given: dict[str, Any], why: str) -> None:
    handler("test.broken", title="Broken", **given)(lambda message, options: None)
    place = registry.Place("c", "default", "/", "q")
    with pytest.raises(registry.OptionsError) as raised:
        registry.bind(registry.get("test.broken"), {"low": 9}, place)
    assert raised.value.errors == {"": why}


def test_a_module_that_exits_when_it_is_imported_is_a_reason(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "exits_at_import.py").write_text("import sys; sys.exit('no licence')")
    monkeypatch.syspath_prepend(str(tmp_path))
    reload(monkeypatch, settings, "exits_at_import")
    assert "exits_at_import cannot be imported: SystemExit: no licence" in str(
        registry.problems()["exits_at_import"]
    )


@pytest.mark.parametrize("name", ["check", "prepare"])
def test_what_would_never_be_called_is_refused(name: str) -> None:
    given: dict[str, Any] = {name: broken}
    with pytest.raises(TypeError, match="there are none"):
        handler("test.without", title="Without", **given)
