"""Which messages a tap keeps: the language of searches, over a message as it passes. Pure, but for RE2."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from mqadmin.core.query import parser
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.core.query.syntax import All, BadQuery, Condition, Either, Node, Not, Words, leaves
from mqadmin.passing.models import Seen
from mqadmin.queues.search import patterns
from mqadmin.rabbit.message import IN_PAIRS
from mqadmin.rabbit.reading import bodies

SEARCHED = 256 * 1024  # bytes of a body that are looked through
YES_NO = ("yes", "no")
FIELDS = (
    Field("id", "name", ("message_id",), _("its message id: id:A-17")),
    Field("correlation", "name", ("correlation_id",), _("its correlation id")),
    Field("trace", "name", ("trace_id",), _("the trace id of its header traceparent")),
    Field("key", "name", ("routing_key",), _("its routing key: key:orders.*, key:/^orders/")),
    Field("exchange", "name", ("exchange",), _("the exchange that it was published to")),
    Field("type", "name", ("type",), _("its property type")),
    Field("app", "name", ("app_id",), _("its property app id")),
    Field("redelivered", "choice", ("redelivered",), _("whether it was delivered before"), YES_NO),
    Field("size", "number", ("size",), _("bytes of its body: size>10k"), is_size=True),
    Field("body", "text", ("body",), _("a text in its body: body:timeout")),
    Field("header", "table", ("headers",), _("a header: header.tenant:acme")),
    Field(
        "payload",
        "table",
        ("document",),
        _("a field of its JSON body: payload.order.id:17, payload.total>100"),
    ),
)
VOCABULARY = Vocabulary.of(
    FIELDS,
    {
        "message_id": "id",
        "correlation_id": "correlation",
        "routing_key": "key",
        "headers": "header",
        "text": "body",
    },
    has_patterns=True,
    has_colons=True,
)
_COMPARED = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_EVERYWHERE = ("message_id", "correlation_id", "routing_key", "exchange", "type", "app_id", "body")
_OF_PROPERTIES = ("type", "app_id")


class _Message:
    """A message as conditions ask for it; what costs is made once, when first asked for."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._made: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Any:
        seen, properties = self._seen, self._seen.properties
        if name in _OF_PROPERTIES:
            return properties.get(name) or ""
        if name == "body":
            return bytes(seen.body)[:SEARCHED].decode("utf-8", "replace")
        if name == "headers":
            return seen.headers if IN_PAIRS not in seen.headers else {}
        if name == "document":
            kind, encoding = properties.get("content_type"), properties.get("content_encoding")
            try:
                return bodies.document(
                    bytes(seen.body)[:SEARCHED],
                    kind if isinstance(kind, str) else None,
                    encoding if isinstance(encoding, str) else None,
                )
            except (ValueError, RecursionError):
                return None
        return getattr(seen, name)


Test = Callable[[_Message], bool]


@dataclass(frozen=True)
class Filter:
    """What a tap looks for. `is_empty`: for everything."""

    test: Test
    is_empty: bool

    def takes(self, seen: Seen) -> bool:
        """Whether it looks for this message. Any thread."""
        return self.is_empty or self.test(_Message(seen))


def read(query: str) -> Filter:
    """Return the filter that a query means. Raises BadQuery."""
    node = parser.parse(query, VOCABULARY)
    return Filter(_test(node), not list(leaves(node)))


def _test(node: Node) -> Test:
    match node:
        case All(parts):
            every = [_test(part) for part in parts]
            return lambda message: all(test(message) for test in every)
        case Either(parts):
            some = [_test(part) for part in parts]
            return lambda message: any(test(message) for test in some)
        case Not(part):
            inner = _test(part)
            return lambda message: not inner(message)
        case Words():
            found = _text(node.text, node, is_pattern=node.is_pattern)
            return lambda message: (
                any(found(message.get(name)) for name in _EVERYWHERE)
                or any(found(text) for text in _texts(message.get("headers")))
            )
        case Condition():
            holds = _condition(node)
            return holds if node.operator != "!=" else lambda message: not holds(message)


def _condition(node: Condition) -> Test:
    name, kind, text = node.field.columns[0], node.field.kind, node.value.text
    if kind == "choice":
        wanted = text == "yes"
        return lambda message: bool(message.get(name)) is wanted
    if kind == "number":
        compared, number = _COMPARED.get(node.operator, operator.eq), node.value.number or 0
        return lambda message: bool(compared(message.get(name), number))
    if kind == "table":
        path = node.path
        holds = _value(node)
        return lambda message: any(holds(value) for value in _inside(message.get(name), path))
    is_whole = kind == "name" and not node.value.is_pattern
    found = _name(node) if is_whole else _text(text, node, is_pattern=node.value.is_pattern)
    return lambda message: found(message.get(name))


def _name(node: Condition) -> Callable[[str], bool]:
    """A whole name, in which stars stand for anything where it is not quoted."""
    text = node.value.text
    if "*" not in text or node.value.is_quoted or node.operator == "=":
        return lambda value: value == text
    parts = (re.escape(part) for part in re.split(r"\*+", text))
    return _pattern(f"(?s-i)\\A{'.*'.join(parts)}\\z", node)


def _text(text: str, leaf: Words | Condition, *, is_pattern: bool) -> Callable[[str], bool]:
    if is_pattern:
        return _pattern(text, leaf)
    lowered = text.lower()
    return lambda value: lowered in value.lower()


def _pattern(text: str, leaf: Words | Condition) -> Callable[[str], bool]:
    try:
        pattern = patterns.compiled(text)
    except patterns.BadPattern as error:
        raise BadQuery(str(error), leaf.start, leaf.end) from error
    return lambda value: pattern.search(value.encode("utf-8", "replace")) is not None


def _value(node: Condition) -> Callable[[Any], bool]:
    text, number = node.value.text, node.value.number
    compared = _COMPARED.get(node.operator)

    def holds(value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if compared is not None:
            return is_number and number is not None and bool(compared(value, number))
        if is_number and number is not None:
            return bool(value == number)
        written = str(value).lower() if isinstance(value, bool) else str(value)
        return value is not None and written == text

    return holds


def _inside(value: Any, path: tuple[str, ...]) -> Iterable[Any]:
    """Yield what lies at a path; lists are passed through. A name with dots is found whole, too."""
    if isinstance(value, list):
        for item in value[:1_000]:
            yield from _inside(item, path)
    elif not path:
        yield _plain(value)
    elif isinstance(value, dict):
        whole = ".".join(path)
        if len(path) > 1 and whole in value:
            yield _plain(value[whole])
        if path[0] in value:
            yield from _inside(value[path[0]], path[1:])


def _plain(value: Any) -> Any:
    """Return a stored header's number without its type (`rabbit.message.to_json`)."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        if name.startswith("$") and isinstance(inner, int | float | str):
            return inner
    return value


def _texts(value: Any) -> Iterable[str]:
    waiting, left = [value], 1_000
    while waiting and left:
        left -= 1
        node = waiting.pop()
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
        elif node is not None:
            yield str(node)
