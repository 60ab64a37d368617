"""Fields of letters that are not everybody's to read: hidden by header name or JSON path (settings.MQADMIN_MASKED).

`header.authorization` names a header, whatever its case; `payload.card.number` a field of a JSON or MessagePack
body, or one that a decoder reads (ADR 52), lists passed through; a `*` stands for any way down:
`payload.*.password`. Hidden are the values where letters are shown, wherever the error's text repeats them, and
from searches: who may not see a value must not find out by asking for it. What is stored and requeued stays as it
came. A body that is no document cannot be masked by path; one that may be a document and cannot be read whole is
hidden altogether, and so are its error and traceback.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings

from mqadmin.core.remembered import Remembered
from mqadmin.deadletters.letter import jsonspans
from mqadmin.deadletters.letter.jsonspans import Array, Item, Table, Text
from mqadmin.deadletters.models import DeadLetter
from mqadmin.given import Unusable
from mqadmin.rabbit.message import IN_PAIRS
from mqadmin.rabbit.reading import bodies
from mqadmin.rabbit.reading.jsontext import Number

SHOWN = "•••"
UNREAD = object()  # among hidden values: they are not all known, so any text may repeat one
_MOST = 100_000  # values of one body that are looked at
_SHORTEST = 3  # characters of a value that is looked for in texts: "5" is everywhere
_FEW = 100  # values that are looked for one by one
_HEAD = 8  # their first characters, by which more of them are told apart
_LARGE = 50_000  # bytes of a body whose masking is remembered for a while
_LARGEST = 1_000_000  # bytes of a body that a list opens; above, the error's text is hidden as a whole
_may_reveal: ContextVar[Callable[[], bool]] = ContextVar(
    "masked fields may be searched", default=lambda: False
)

_SIGN = Text(SHOWN, f'"{SHOWN}"')
_NESTED = (dict, list)
Path = tuple[str, ...]
_Body = tuple[bytes, str | None, str | None, str]  # with its content type and encoding, and its queue
_Masked = tuple[int | None, str, list[Any]]
_known: Remembered[_Masked] = Remembered(3)


def rules() -> tuple[frozenset[str], tuple[Path, ...]]:
    """Return (names of headers in small letters, paths in bodies) that are hidden. Raises Unusable."""
    return _rules(tuple(settings.MQADMIN_MASKED))


@functools.lru_cache(maxsize=8)
def _rules(written: tuple[str, ...]) -> tuple[frozenset[str], tuple[Path, ...]]:
    headers, paths = set(), []
    for rule in written:
        kind, _dot, rest = rule.strip().partition(".")
        if kind == "header" and rest:
            headers.add(rest.lower())
        elif kind == "payload" and (path := tuple(rest.split(".")))[-1] not in ("", "*"):
            paths.append(path)
        else:
            raise Unusable(
                f"MQADMIN_MASKED={rule[:80]} is neither header.NAME nor payload.PATH that ends in a name."
            )
    return frozenset(headers), tuple(paths)


@contextmanager
def revealing(may: bool | Callable[[], bool]) -> Iterator[None]:
    """Within it, searches may ask for masked fields if `may` (or what it returns); without it nobody's may."""
    token = _may_reveal.set(may if callable(may) else lambda: may)
    try:
        yield
    finally:
        _may_reveal.reset(token)


def may_search() -> bool:
    """Whether searches may ask for masked fields here."""
    return _may_reveal.get()()


def hides() -> bool:
    """Whether there are masked fields that a search must not tell of."""
    return bool(settings.MQADMIN_MASKED) and not may_search()


def is_refused(column: str, path: Sequence[str]) -> bool:
    """Whether a search must not ask for what lies at the path."""
    return hides() and is_masked(column, path)


def is_masked(column: str, path: Sequence[str]) -> bool:
    """Whether what lies at the path is hidden; numbers in it may count the items of a list."""
    names = [name for name in path if not name.isdecimal()]
    return is_hidden(column, ".".join(path)) or is_hidden(column, ".".join(names))


def hide(letter: DeadLetter, found: list[Any] | None = None) -> int:
    """Hide the values in this object, which must not be saved, and add them to `found`. Returns how many it hid,
    but for those in texts."""
    names, paths = rules()
    taken: list[Any] = []
    count = 0
    if names and isinstance(letter.headers, dict):
        letter.headers = _hide_in_headers(letter.headers, names, taken)
        count = len(taken)
    if paths:
        count += _hide_in_body(letter, paths, taken)
    if taken:
        _hide_in_texts(letter, taken)
    if found is not None:
        found += taken
    return count


def _hide_in_headers(headers: dict[str, Any], names: frozenset[str], taken: list[Any]) -> dict[str, Any]:
    """Return the stored headers without the values of `names`, which are added to `taken`.

    Where one name is no text the whole table is stored as pairs (`rabbit.message.to_json`).
    """

    def kept(name: Any, value: Any) -> Any:
        if not isinstance(name, str) or name.lower() not in names:
            return value
        taken.append(value)
        return SHOWN

    pairs = headers.get(IN_PAIRS) if len(headers) == 1 else None
    if isinstance(pairs, list):
        return {IN_PAIRS: [[name, kept(name, value)] for name, value in pairs]}
    return {name: kept(name, value) for name, value in headers.items()}


def hidden_in(letter: DeadLetter) -> list[Any]:
    """Return the values that are hidden in a letter, which stays as it is."""
    found: list[Any] = []
    hide(copy.copy(letter), found)
    return found


def without(text: str, values: Sequence[Any]) -> str:
    """Return `text` without the values, wherever it repeats them; nothing of it where they are not all known."""
    if text and any(value is UNREAD for value in values):
        return SHOWN
    return str(_without(text, _longest_first(values)))


def _hide_in_body(letter: DeadLetter, paths: tuple[Path, ...], taken: list[Any]) -> int:
    """Hide what lies at the paths and add it to `taken`; the whole body where not all of that is known. Returns how
    many values."""
    kind, encoding = (letter.properties.get(name) for name in ("content_type", "content_encoding"))
    body = (
        bytes(letter.body),
        kind if isinstance(kind, str) else None,
        encoding if isinstance(encoding, str) else None,
        letter.source_queue,
    )
    hidden, text, found = _remembered(body, paths)
    taken += found
    if hidden == 0:
        return 0
    if hidden is None:
        taken.append(UNREAD)
        letter.error, letter.trace = without(letter.error, taken), without(letter.trace, taken)
        body_now, type_now = SHOWN.encode(), "text/plain"
    else:
        body_now, type_now = text.encode(errors="replace"), "application/json"
    letter.body = body_now
    kept = {name: value for name, value in letter.properties.items() if name != "content_encoding"}
    letter.properties = {**kept, "content_type": type_now}
    return 1 if hidden is None else hidden


def _remembered(body: _Body, paths: tuple[Path, ...]) -> _Masked:
    """Return what `_masked` does; a page asks several times for a large body."""
    if len(body[0]) < _LARGE:
        return _masked(body, paths)
    key = (hashlib.blake2b(body[0]).digest(), *body[1:], paths, _MOST)
    return _known.made(key, lambda: _masked(body, paths))


def _masked(body: _Body, paths: Sequence[Path]) -> _Masked:
    """Return (how many values are hidden, None where not all are known; the body as JSON without them; those)."""
    text = bodies.json_text(*body)
    taken: list[Any] = []
    try:
        if text is not None:
            written = jsonspans.read_text(text)
            hidden = mask(written.value, paths, taken)
            return hidden, "" if hidden is None else written.text(), taken
        document = bodies.document(*body)
        if isinstance(document, dict | list):
            hidden = mask(document, paths, taken)
            return hidden, json.dumps(document, ensure_ascii=False, default=str), taken
    except (ValueError, RecursionError):
        return None, "", taken
    return (0 if bodies.is_plain(*body) else None), "", taken


def hide_in_errors(letters: Sequence[DeadLetter]) -> None:
    """Hide masked values in the error texts of letters of a list, which have neither headers nor body."""
    if not settings.MQADMIN_MASKED:
        return
    failed = {letter.pk: letter for letter in letters if letter.error}
    wanted = DeadLetter.objects.only(
        "error", "trace", "status_reason", "headers", "properties", "body", "source_queue"
    )
    for whole in wanted.filter(pk__in=failed, size__lte=_LARGEST):
        hide(whole)
        failed.pop(whole.pk).error = whole.error
    for letter in failed.values():
        letter.error = SHOWN


def _hide_in_texts(letter: DeadLetter, taken: Sequence[Any]) -> None:
    """Hide the values wherever the error, its traceback, the reason of a status or a header repeats them."""
    texts = _longest_first(taken)
    for name in ("error", "trace", "status_reason", "headers"):
        setattr(letter, name, _without(getattr(letter, name), texts))


def _longest_first(values: Sequence[Any]) -> list[str]:
    return sorted({text for value in values for text in _texts(value)}, key=len, reverse=True)


def _without(value: Any, texts: Sequence[str]) -> Any:
    """Return a text, or the texts in a stored table, without `texts`."""
    match value:
        case str():
            for hidden in _that_may_be_in(value, texts):
                value = value.replace(hidden, SHOWN)
            return value
        case dict():
            return {name: _without(item, texts) for name, item in value.items()}
        case list():
            return [_without(item, texts) for item in value]
        case _:
            return value


def _that_may_be_in(value: str, texts: Sequence[str]) -> Iterable[str]:
    """Return those of `texts` that a text may hold: of thousands few are looked for, told by how they begin."""
    if len(texts) < _FEW:
        return texts
    parts = {value[at : at + size] for size in range(_SHORTEST, _HEAD + 1) for at in range(len(value))}
    return [text for text in texts if text[:_HEAD] in parts or SHOWN[0] in text]


def _texts(value: Any) -> Iterator[str]:
    """Yield the scalars in a value as texts write them."""
    waiting, left = [value], _MOST
    while waiting and left:
        left -= 1
        node = waiting.pop()
        if node is UNREAD:
            continue
        if isinstance(node, dict | list):
            waiting.extend(node.values() if isinstance(node, dict) else node)
        elif not isinstance(node, bool) and node is not None:
            texts = {str(node), str(float(node.text))} if isinstance(node, Number) else {str(node)}
            yield from (text for text in texts if len(text) >= _SHORTEST)


def mask(document: Any, paths: Sequence[Path], taken: list[Any] | None = None) -> int | None:
    """Hide what lies at the paths, in the document itself, and add it to `taken`. Returns how many values, None
    where there are more than _MOST to look at: then some may be left. The document is plain, or of `jsonspans`, of
    which only what may hold a value to hide is opened."""
    count, left = 0, _MOST
    waiting: list[tuple[Any, tuple[Path, ...]]] = [(document, tuple(paths))]
    while waiting and len(waiting) <= left:
        left -= 1
        node, rest = waiting.pop()
        if isinstance(node, Item):
            node = node.get()
        if isinstance(node, Array):
            signs = _signs(rest)
            waiting.extend((item, rest) for item in node.entries if _may_hold(item, signs))
        elif isinstance(node, list):
            waiting.extend((item, rest) for item in node if isinstance(item, _NESTED))
        elif isinstance(node, Table):  # each of two members of the same name
            for entry in node.entries:
                below = _below(rest, entry.name)
                if () in below:
                    if taken is not None:
                        taken.append(jsonspans.said(entry.text()))
                    entry.value = _SIGN
                    count += 1
                elif below and _may_hold(entry, _signs(below)):
                    waiting.append((entry, tuple(below)))
        elif isinstance(node, dict):
            for key, value in node.items():
                below = _below(rest, key)
                if () in below:
                    if taken is not None:
                        taken.append(value)
                    node[key] = SHOWN
                    count += 1
                elif below and isinstance(value, dict | list):
                    waiting.append((value, tuple(below)))
    return None if waiting else count


def _signs(paths: Iterable[Path]) -> list[str]:
    """Return what JSON text has somewhere that holds what lies at one of the paths.

    That is the path's last name, or a name that is written with escapes.
    """
    return ["\\", *(f'"{path[-1]}"' for path in paths)]


def _may_hold(item: Item, signs: Sequence[str]) -> bool:
    """Whether an item has to be opened: most of a large body has not, which is told without reading it."""
    text = item.text()
    return text[0] in "{[" and any(sign in text for sign in signs)


def _below(paths: Sequence[Path], key: str) -> set[Path]:
    """Return what is left of the paths below a key."""
    left: set[Path] = set()
    for path in paths:
        if path[0] == "*":
            left.add(path)
            if len(path) > 1 and path[1] == key:
                left.add(path[2:])
        elif path[0] == key:
            left.add(path[1:])
    return left


def is_hidden(column: str, path: str) -> bool:
    """Whether values of a header or at a path of bodies are hidden: then none is offered while typing."""
    names, paths = rules()
    if column == "headers":
        first = path.partition(".")[0].lower()
        # Nobody knows which name stands in a pair that a path counts to.
        return first in names or path.lower() in names or (bool(names) and first == IN_PAIRS)
    if column != "body":
        return False
    left: set[Path] = set(paths)
    for key in path.split("."):
        left = _below(tuple(left), key)
        if () in left:
            return True
    return False
