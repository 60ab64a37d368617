"""Where higher apps hang what they add to pages of lower ones; filled in each AppConfig.ready().

A provider is a plain function. It is called while a page is made, so it must be quick (a few indexed reads)
and never speak to a broker. What it raises reaches the page: a failure is not shown as emptiness.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from django.http import HttpRequest

from mqadmin.core.permissions import Needed, User
from mqadmin.core.tones import Tone
from mqadmin.rabbit.effects.effect import Level

F = TypeVar("F", bound=Callable[..., Any])


class Registry(Generic[F]):
    """An ordered list of provider functions. `register` may be used as a decorator."""

    def __init__(self) -> None:
        self._functions: list[F] = []

    def register(self, function: F) -> F:
        """Add `function` once, however often its module is loaded."""
        if function not in self._functions:
            self._functions.append(function)
        return function

    def __iter__(self) -> Any:
        return iter(self._functions)


@dataclass(frozen=True)
class Link:
    """A button under a sentence. `post`: it acts; `needs`: who may; `confirm`: asked before."""

    label: str
    href: str
    primary: bool = False
    post: bool = False
    needs: Needed = "view"
    confirm: str = ""


@dataclass(frozen=True)
class Attention:
    """Something that is wrong, in a sentence, with the buttons that help."""

    level: Literal["broken", "watch"]
    title: str
    text: str
    actions: Sequence[Link] = ()
    since: datetime | None = None  # since when, where that is known
    is_quoted: bool = False  # its text quotes a message: not for a screen that everybody passes
    is_ours: bool = False  # of mqadmin itself: the same on the page of every broker, and no fault of one
    is_repeat: bool = (
        False  # that others fire which have lines of their own: no further trouble where one counts
    )

    @property
    def tone(self) -> Tone:
        return "red" if self.level == "broken" else "amber"


@dataclass(frozen=True)
class Panel:
    """A part of another app's page: a template, what it is rendered with; `is_first`: right below the verdict.

    `is_last`: below the charts, and only as the page is opened: what one looks up, not what one watches.
    """

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    is_first: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Reader:
    """A consumer of a queue that mqadmin runs itself, or should. `words`: what it does or lacks; `runs`: all is
    well with it; `meant`: it is to run; `tag`: what its tags in RabbitMQ begin with."""

    name: str
    href: str
    label: str
    words: str
    runs: bool
    meant: bool
    tag: str
    tone: Tone = "grey"


@dataclass(frozen=True)
class QueueDoors:
    """Where the page of a queue leads for acts of a higher app; `unbind` says it of a `types.BindingInfo`."""

    bind: str
    delete: str
    convert: str  # "" where its type does not change
    convert_denied: str  # why it cannot
    unbind: Callable[[Any], str]


@dataclass(frozen=True)
class Hit:
    """One result of the search box. `kind` groups ("Queue", "Letter", ...), `text` is the second line."""

    title: str
    kind: str
    href: str
    text: str = ""


@dataclass(frozen=True)
class Bulk:
    """A button for the ticked rows of a list: where it leads, and who may."""

    label: str
    url_name: str
    icon: str
    needs: Needed = "operate"
    danger: bool = False


@dataclass(frozen=True)
class Tile:
    """A number at the top of the overview. `value` is ready to show; `points` draw the sparkline."""

    label: str
    value: str
    unit: str = ""
    tone: Tone | Literal[""] = ""
    points: Sequence[float | None] = ()
    href: str = ""


class NavPart(NamedTuple):
    """A page in one of the sidebar's groups of what a broker is made of. `key`: the first part of its address."""

    group: Literal["messages", "clients", "rules", "access", "cluster"]
    key: str
    label: Any
    icon: str
    is_last: bool = False


class Badge(NamedTuple):
    """What stands beside a word in the sidebar. `counts`: the numbers in it, which add up over several brokers;
    () for what is the same on each."""

    text: str
    tone: Tone = "grey"
    counts: tuple[int, ...] = ()


class Freshness(NamedTuple):
    """How old the numbers on the page are: `text` may hold `{ago}`, filled in and kept ticking from `at`."""

    tone: Tone
    text: str
    at: datetime | None = None


_attention: Registry[Callable[[str, User], Iterable[Attention]]] = Registry()
_nav_parts: dict[str, NavPart] = {}
_badges: dict[str, Callable[[str], Badge | tuple[str, Tone] | None]] = {}
_nav_shown: dict[str, Callable[[], bool]] = {}
_queue_panels: Registry[Callable[[Any, HttpRequest], Panel | None]] = Registry()
_queue_readers: Registry[Callable[[Any], Iterable[Reader]]] = Registry()
_queue_acts: Registry[Callable[[], Bulk]] = Registry()
_find: Registry[Callable[[str, str], Iterable[Hit]]] = Registry()
_tiles: Registry[Callable[[str], Iterable[Tile]]] = Registry()
_retention: Registry[Callable[[], str]] = Registry()
_metrics: Registry[Callable[[], Iterable[Any]]] = Registry()
_restored: Registry[Callable[[str], Iterable[str]]] = Registry()
_at_work: Registry[Callable[[datetime], Iterable[tuple[str, datetime]]]] = Registry()
_bulky_tables: list[str] = []
_monitor_threads: Registry[Callable[[threading.Event], threading.Thread | None]] = Registry()
_operation_pages: dict[str, Callable[[Any], str]] = {}
_single: dict[str, Callable[..., Any]] = {}

register_attention = _attention.register
register_queue_panel = _queue_panels.register
register_queue_readers = _queue_readers.register
register_queue_act = _queue_acts.register
register_find = _find.register
register_overview_tiles = _tiles.register
register_retention = _retention.register
register_metrics = _metrics.register
register_monitor_thread = _monitor_threads.register
register_restored = _restored.register
register_at_work = _at_work.register


def register_bulky_tables(*names: str) -> None:
    """Name tables of records that a backup may leave out: nothing else goes by them."""
    _bulky_tables.extend(name for name in names if name not in _bulky_tables)


def bulky_tables() -> list[str]:
    """Return the tables that a backup leaves out with `--without-records`."""
    return list(_bulky_tables)


def restored(reason: str) -> list[str]:
    """Have nothing in a restored database go on by itself: `reason` is shown where something was held back.

    Each provider is called in one transaction, before any process works on the database, and says what it did.
    """
    return [line for function in _restored for line in function(reason)]


def at_work(since: datetime) -> list[tuple[str, datetime]]:
    """Return who said since then, in a row of its own, that it is there: who in words, and when."""
    return [found for function in _at_work for found in function(since)]


def register_nav_part(part: NavPart) -> None:
    """Add a page to its group of the sidebar, behind those that are there."""
    _nav_parts[part.key] = part


def nav_parts() -> list[NavPart]:
    """Return the pages of the sidebar's groups, in their order."""
    return sorted(_nav_parts.values(), key=lambda part: part.is_last)


def register_nav_badge(key: str, function: Callable[[str], Badge | tuple[str, Tone] | None]) -> None:
    """Set the badge of a sidebar entry; `function(broker_slug)` returns None for none."""
    _badges[key] = function


def register_nav_shown(key: str, function: Callable[[], bool]) -> None:
    """Set who knows whether the sidebar has an entry that is not there for everybody."""
    _nav_shown[key] = function


def nav_shown(key: str) -> bool:
    """Whether the sidebar has an entry that is not there for everybody."""
    function = _nav_shown.get(key)
    return function is not None and function()


def register_freshness(function: Callable[[str], Freshness | tuple[Tone, str]]) -> None:
    """Set who knows the age of a broker's sample."""
    _single["freshness"] = function


def register_broker_facts(function: Callable[[str], str]) -> None:
    """Set who words the line under a broker's name ("4.0.5 · 3 nodes")."""
    _single["broker_facts"] = function


def register_queue_doors(function: Callable[[Any], QueueDoors]) -> None:
    """Set who knows where a queue is bound and deleted; `function(queue)` gets a `queues.Queue`."""
    _single["queue_doors"] = function


def register_operation_page(kind: str, function: Callable[[Any], str]) -> None:
    """Set where operations of a kind have a page of their own; `function(operation)` returns its address."""
    _operation_pages[kind] = function


def operation_page(operation: Any) -> str:
    """Return the address of the page that says more of an operation, "" where it has none."""
    function = _operation_pages.get(operation.kind)
    return function(operation) if function else ""


def register_touched(function: Callable[[str, str, dict[str, Any]], list[Panel]]) -> None:
    """Set who knows what an act touches: `function(action, broker_slug, values)`. It may ask the broker."""
    _single["touched"] = function


def register_foretold(function: Callable[[str, str, dict[str, Any]], list[tuple[Level, str]]]) -> None:
    """Set who says what an act would do: `function(action, broker_slug, values)` gives (level, sentence) each, the
    levels those of `rabbit.effects`. It may ask the broker."""
    _single["foretold"] = function


def foretold(action: str, broker_slug: str, values: dict[str, Any]) -> list[tuple[Level, str]]:
    """Return what an act with these values would do; [] where nobody knows. Raises RabbitError."""
    function = _single.get("foretold")
    return function(action, broker_slug, values) if function else []


def queue_doors(queue: Any) -> QueueDoors | None:
    """Return where the page of a queue leads for what it does not do itself, None where nobody does it."""
    function = _single.get("queue_doors")
    return function(queue) if function else None


def touched(action: str, broker_slug: str, values: dict[str, Any]) -> list[Panel]:
    """Return what an act with these values touches besides; [] where nobody knows."""
    function = _single.get("touched")
    return function(action, broker_slug, values) if function else []


def attention(broker_slug: str, user: User) -> list[Attention]:
    """Return what needs attention on a broker, the broken first."""
    found = [item for function in _attention for item in function(broker_slug, user)]
    return sorted(found, key=lambda item: item.level != "broken")


def nav_badge(key: str, broker_slug: str) -> Badge | None:
    """Return the badge of a sidebar entry, or None."""
    function = _badges.get(key)
    badge = function(broker_slug) if function else None
    return Badge(*badge) if badge else None


def queue_panel(queue: Any, request: HttpRequest) -> list[Panel]:
    """Return the panels that other apps add to a queue's page; `queue` is a `queues.Queue`."""
    return [panel for function in _queue_panels if (panel := function(queue, request)) is not None]


def queue_readers(queue: Any) -> list[Reader]:
    """Return the consumers that mqadmin runs on a queue, or should; `queue` is a `queues.Queue`."""
    return [reader for function in _queue_readers for reader in function(queue)]


def queue_acts() -> list[Bulk]:
    """Return the buttons that apps add for the ticked queues of the list."""
    return [function() for function in _queue_acts]


def find(q: str, broker_slug: str) -> list[Hit]:
    """Return what matches `q`, provider by provider; each gives a handful."""
    return [hit for function in _find for hit in function(q, broker_slug)]


def overview_tiles(broker_slug: str) -> list[Tile]:
    """Return the tiles that apps add to the overview."""
    return [tile for function in _tiles for tile in function(broker_slug)]


def freshness(broker_slug: str) -> Freshness | None:
    """Return the age of a broker's sample, or None when nobody samples."""
    function = _single.get("freshness")
    return Freshness(*function(broker_slug)) if function else None


def broker_facts(broker_slug: str) -> str:
    """Return the line under a broker's name."""
    function = _single.get("broker_facts")
    return str(function(broker_slug)) if function else ""


def retention() -> list[Callable[[], str]]:
    """Return the functions that delete what is old; each returns what it did, in words, or ""."""
    return list(_retention)


def metrics() -> Iterator[Any]:
    """Return all apps' metrics, the lowest app's first: `core.exposition.Family`, or of prometheus_client."""
    return (family for function in _metrics for family in function())


def monitor_threads(stop: threading.Event) -> list[threading.Thread]:
    """Start what else runs in the monitor, and return its threads; they end soon after `stop` is set."""
    started = (function(stop) for function in _monitor_threads)
    return [thread for thread in started if thread is not None]
