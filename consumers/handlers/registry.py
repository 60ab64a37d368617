"""The registry of handlers: functions of one delivery or many, named in code and chosen by name in a form.

    @handler("orders.process", title=_("Process an order"), options=Options)
    def process(message: Delivery, options: Options) -> None: ...

    @handler("orders.store", title=_("Store orders"), batch=True)
    def store(messages: list[Delivery]) -> Sequence[Exception | None] | None: ...

Returning acks the message; raising fails it. A handler without options takes the delivery alone. One for
batches returns None, and all are acked; or a list with one result for each message, in their order: None acks
it, an exception (`Retry`, `Reject`, any other) fails it as if it had been raised for it alone. What it raises,
all of them fail with.
Nothing here needs Django's apps: only `load` reads a setting (`MQADMIN_HANDLERS`). Packages that are installed name
modules of theirs as entry points of the group `mqadmin.handlers`.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from consumers.handlers import options as handler_options
from consumers.handlers.options import OptionField, OptionsError, Words, option
from mqadmin.core import hiding

__all__ = [
    "Handler",
    "HandlerError",
    "HandlerImportError",
    "OptionField",
    "OptionsError",
    "Place",
    "UnknownHandler",
    "all",
    "bind",
    "get",
    "handler",
    "labels",
    "load",
    "offered",
    "option",
    "option_fields",
    "options_schema",
    "problems",
    "shown",
    "warnings",
]

F = TypeVar("F", bound=Callable[..., object])
Kind = Literal["message", "collect"]
ENTRY_POINTS = "mqadmin.handlers"

logger = logging.getLogger(__name__)


class HandlerError(Exception):
    """A handler that cannot be used; the text says why, for a page or a process's exit reason."""


class UnknownHandler(HandlerError):
    """No module in MQADMIN_HANDLERS, and none of an entry point, registers a handler of this name."""


class HandlerImportError(HandlerError):
    """A module in MQADMIN_HANDLERS, or of an entry point, cannot be imported."""


@dataclass(frozen=True)
class Place:
    """Where a handler's messages come from: `broker` is a slug, `consumer` the definition's name."""

    consumer: str
    broker: str
    vhost: str
    queue: str


Reached = tuple[str, str, str]  # broker, vhost, name of a queue


@dataclass(frozen=True)
class Handler:
    """A registered handler. `kind`: "collect" is the collector, which the runtime runs in windows.

    `batch`: the function takes a list of deliveries, of the size and within the time that the consumer says.
    `check(options)` raises ValueError, in words, for options that are each valid but not together.
    `prepare(options, place)` runs once in the process that will handle messages, before it takes one. The
    function gets what it returns in place of the options; it raises ValueError, in words, where something on
    this host is missing. `outlook(options, place)` returns sentences on what becomes of messages where it sends
    them, as far as the database knows: no call to anybody. `reaches(options, place)`: the one queue that it asks
    the database for, as (broker, vhost, name), so that those of many consumers are read at once; None for none.
    `forbidden(options, place)`: of who defines a consumer, and has roles for a part only, what it must not do for
    them, as option -> words.
    """

    name: str
    title: Words
    description: Words
    options_type: type | None
    function: Callable[..., object]
    check: Callable[[Any], None] | None
    prepare: Callable[[Any, Place], Any] | None
    kind: Kind
    batch: bool = False
    outlook: Callable[[Any, Place], Sequence[str]] | None = None
    reaches: Callable[[Any, Place], Reached | None] | None = None
    forbidden: Callable[[Any, Place], Mapping[str, str]] | None = None


_IDLE = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)

_handlers: dict[str, Handler] = {}
_problems: dict[str, HandlerImportError] = {}
_lock = threading.RLock()
_loaded = False


def handler(
    name: str,
    *,
    title: Words,
    description: Words = "",
    options: type | None = None,
    check: Callable[[Any], None] | None = None,
    prepare: Callable[[Any, Place], Any] | None = None,
    kind: Kind = "message",
    batch: bool = False,
    outlook: Callable[[Any, Place], Sequence[str]] | None = None,
    reaches: Callable[[Any, Place], Reached | None] | None = None,
    forbidden: Callable[[Any, Place], Mapping[str, str]] | None = None,
) -> Callable[[F], F]:
    """Register the decorated function as `name`.

    Raises ValueError when another function has that name, TypeError when `options` cannot be a form, and for a
    function that does nothing when it is called (`async def`, or one with a `yield`) or cannot be called so.
    """
    handler_options.describe(options)
    if options is None and (check or prepare):
        raise TypeError(f"{name}: check and prepare are given the options, and there are none")

    def register(function: F) -> F:
        if any(is_idle(function) for is_idle in _IDLE):
            raise TypeError(
                f"{_origin(function)} does nothing when it is called: a handler is a plain function."
            )
        _require_callable(function, with_options=options is not None)
        known = _handlers.get(name)
        if known is not None and _origin(known.function) != _origin(function):
            raise ValueError(f"Two handlers are named {name!r}: {_origin(known.function)} has it already.")
        _handlers[name] = Handler(
            name,
            title,
            description,
            options,
            function,
            check,
            prepare,
            kind,
            batch,
            outlook,
            reaches,
            forbidden,
        )
        return function

    return register


def _require_callable(function: Callable[..., object], *, with_options: bool) -> None:
    """Raise TypeError for a function that could be called for no message."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # native code that does not say
        return
    try:
        signature.bind(None, **({"options": None} if with_options else {}))
    except TypeError as error:
        takes = "a message and `options`" if with_options else "a message alone"
        raise TypeError(f"{_origin(function)} must take {takes}: {error}") from None


def _origin(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def load() -> None:
    """Import the modules of settings.MQADMIN_HANDLERS and of entry points, once. Never raises: see `problems`."""
    global _loaded
    with _lock:
        if _loaded:
            return
        installed = {entry.module: f" (of {_package(entry)})" for entry in entry_points(group=ENTRY_POINTS)}
        for module in dict.fromkeys((*settings.MQADMIN_HANDLERS, *sorted(installed))):
            _import(module, installed.get(module, ""))
        _loaded = True


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "a package"


def _import(module: str, origin: str) -> None:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a module of the user's may raise anything at import
        logger.exception("The handler module %s%s cannot be imported", module, origin)
        _problems[module] = HandlerImportError(
            f"The handler module {module}{origin} cannot be imported: {type(error).__name__}: {error}"
        )


def problems() -> dict[str, HandlerImportError]:
    """Return the modules that could not be imported, each with its error."""
    load()
    return dict(_problems)


def get(name: str) -> Handler:
    """Return the handler called `name`.

    Raises UnknownHandler, or HandlerImportError when a module that may hold it cannot be imported.
    """
    load()
    found = _handlers.get(name)
    if found is not None:
        return found
    if _problems:
        reasons = " ".join(str(problem) for problem in _problems.values())
        raise HandlerImportError(f"No handler is named {name!r}. {reasons}")
    raise UnknownHandler(f"No handler is named {name!r}. Registered: {', '.join(sorted(_handlers))}.")


def all() -> list[Handler]:
    """Return every registered handler by name, the collector included."""
    load()
    return [_handlers[name] for name in sorted(_handlers)]


def offered() -> list[Handler]:
    """Return the handlers that a person may choose."""
    return [found for found in all() if found.kind != "collect"]


def bind(found: Handler, options: Mapping[str, Any], place: Place | None = None) -> Callable[[Any], Any]:
    """Return the function with its options checked and filled in. Raises OptionsError.

    It takes one delivery, or a list of them where `found.batch` is set.

    `place`: given by the process that will handle messages. Without it the options are checked, not prepared.
    """
    try:
        parsed = handler_options.parse(found.options_type, options)
        if parsed is None:
            return found.function
        if found.check is not None:
            found.check(parsed)
        if found.prepare is not None and place is not None:
            parsed = found.prepare(parsed, place)
    except OptionsError:
        raise
    except ValueError as error:
        raise OptionsError({"": str(error)}) from error
    except Exception as error:  # a handler's own code: it must fail neither a page nor a start without words
        logger.exception("The handler %s cannot check its options", found.name)
        reason = f"{found.name} cannot check them: {type(error).__name__}: {error}"
        raise OptionsError({"": reason}) from error
    return partial(found.function, options=parsed)


def outlook(name: str, options: Mapping[str, Any], place: Place) -> list[str]:
    """Return what is known of where the handler `name` sends messages, in sentences."""
    try:
        found = get(name)
        parsed = handler_options.parse(found.options_type, options) if found.outlook else None
        return list(found.outlook(parsed, place)) if found.outlook else []
    except (ValueError, HandlerError):  # of its options, or that it is not there, is told elsewhere
        return []


def reached(name: str, options: Mapping[str, Any], place: Place) -> Reached | None:
    """Return the queue that `outlook` would ask the database for, None for none."""
    try:
        found = get(name)
        parsed = handler_options.parse(found.options_type, options) if found.reaches else None
        return found.reaches(parsed, place) if found.reaches else None
    except (ValueError, HandlerError):
        return None


def forbidden(found: Handler, options: Mapping[str, Any], place: Place) -> dict[str, str]:
    """Return what who asks may not have a handler do: option -> words. Of options that are valid."""
    if found.forbidden is None:
        return {}
    return dict(found.forbidden(handler_options.parse(found.options_type, options), place))


def option_fields(found: Handler) -> list[OptionField]:
    """Return the handler's options as a form needs them."""
    return handler_options.describe(found.options_type)


def mistyped(found: Handler, options: Mapping[str, Any]) -> dict[str, str]:
    """Return what is wrong with the JSON types of options: name -> words."""
    return handler_options.mistyped(found.options_type, options)


def options_schema(found: Handler) -> dict[str, Any]:
    """Return the JSON schema of the handler's options."""
    return handler_options.schema(found.options_type)


def labels(name: str) -> dict[str, str]:
    """Return what the options of the handler called `name` are called; {} for one that is not registered."""
    try:
        return {item.name: item.label for item in option_fields(get(name))}
    except HandlerError:
        return {}


def shown(name: str, options: Any) -> dict[str, Any]:
    """Return the options of the handler called `name` for who may not define consumers, and for the audit log.

    Which of them are secret is not known of a handler that is not registered here: all its texts are hidden.
    """
    try:
        declared = {item.name for item in option_fields(get(name)) if item.secret}
    except HandlerError:
        declared = set(options)
    return hiding.hidden(options, frozenset(declared)) if isinstance(options, dict) else {}


def warnings(name: str, options: Mapping[str, Any]) -> dict[str, str]:
    """Return option -> words, for each in which a secret seems to stand as it is."""
    try:
        names = [item.name for item in option_fields(get(name)) if item.type is str and not item.secret]
    except HandlerError:
        return {}
    text = _(
        "A secret seems to stand here: it is in the database, and everybody who may define consumers sees it. "
        "Where the handler takes variables, name one in its place."
    )
    return {name: text for name in names if hiding.seems_secret(str(options.get(name, "")))}
