"""The file that MQADMIN_SCHEMAS names: which bodies are Protocol Buffers or Avro, by content type or by queue.

Its schemas lie in files beside it, or are asked of a registry, which is another host: at most a few times a minute,
for two seconds each, whatever ids strangers write into bodies.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings

from mqadmin.given import Unusable
from mqadmin.rabbit.reading import avro, decoders, protobuf
from mqadmin.rabbit.reading.decoders import Decoder, Rule

_KEYS = {
    "protobuf": {"descriptors", "message"},
    "avro": {"schema"},
    "confluent": {"schemas"},
}
_OPTIONAL = {"schemas"}
_REFERENCE = re.compile(r"\$\{?([A-Za-z_]\w*)\}?")
_WIRE = 5  # bytes before the value in Confluent's format: 0, and the id of the schema
_ASKED_S, _SILENT_S, _MOST_ASKED, _MOST_KEPT = 2.0, 60.0, 10, 1_000
_LARGEST = 1_000_000


def rules() -> Sequence[Rule]:
    """Return the rules of the file, none without one. Raises Unusable, with what is wrong in it."""
    return _rules(settings.MQADMIN_SCHEMAS) if settings.MQADMIN_SCHEMAS else ()


@lru_cache(maxsize=2)
def _rules(name: str) -> Sequence[Rule]:
    path = Path(name)
    try:
        written = tomllib.loads(path.read_text())
    except OSError as error:
        raise Unusable(f"MQADMIN_SCHEMAS: {path}: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Unusable(f"MQADMIN_SCHEMAS: {path}: {error}.") from None
    try:
        if strange := set(written) - {"decode", "registry"}:
            raise ValueError(f"{sorted(strange)[0]!r} is neither decode nor registry")
        registry = _registry(written.get("registry"))
        return tuple(_rule(table, path.parent, registry) for table in written.get("decode", []))
    except (ValueError, OSError, TypeError, AttributeError) as error:
        raise Unusable(f"MQADMIN_SCHEMAS: {path}: {error}.") from None


def _rule(table: Mapping[str, Any], folder: Path, registry: Registry | None) -> Rule:
    kind = table.get("as")
    if kind not in _KEYS:
        raise ValueError(f'as = "{kind}" is not one of {", ".join(_KEYS)}')
    if strange := set(table) - {"as", "content_type", "queue"} - _KEYS[kind]:
        raise ValueError(f"{sorted(strange)[0]} is not known for {kind}")
    if missing := _KEYS[kind] - _OPTIONAL - set(table):
        raise ValueError(f"{kind} needs {' and '.join(sorted(missing))}")
    content_type, queue = str(table.get("content_type", "")).lower(), str(table.get("queue", ""))
    if not content_type and not queue:
        raise ValueError("a decode needs a content_type, a queue, or both")
    return Rule(content_type, queue, _decoder(kind, table, folder, registry))


def _decoder(kind: str, table: Mapping[str, Any], folder: Path, registry: Registry | None) -> Decoder:
    """Return a decoder that reads its files when it is first needed: most processes never are."""
    if kind == "protobuf":
        file, name = _file(folder, table["descriptors"]), str(table["message"])
        return Decoder(
            "protobuf", f"Protocol Buffers, {name}", _Later(file, lambda data: protobuf.Message(data, name))
        )
    if kind == "avro":
        file = _file(folder, table["schema"])
        return Decoder("avro", f"Avro, {file.name}", _Later(file, _avro))
    files = {
        int(number): _Later(_file(folder, name), _avro) for number, name in table.get("schemas", {}).items()
    }
    if not files and registry is None:
        raise ValueError("confluent needs schemas, or a [registry] with a url")
    return Decoder("avro", "Avro in Confluent's format", _Confluent(files, registry))


def _file(folder: Path, name: Any) -> Path:
    path = folder / str(name)
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    return path


class _Decodes(Protocol):
    def decode(self, content: bytes) -> Any: ...


class _Later:
    """Decodes by what is made of a file when the first body comes; what is wrong in that is said of each body."""

    def __init__(self, file: Path, make: Callable[[bytes], _Decodes]) -> None:
        self._file, self._make = file, make
        self._made: _Decodes | None = None

    def __call__(self, content: bytes) -> Any:
        if self._made is None:
            try:
                self._made = self._make(self._file.read_bytes())
            except (OSError, ValueError) as error:
                raise ValueError(f"{self._file.name}: {error}") from None
        return self._made.decode(content)


def _avro(data: bytes) -> _Avro:
    return _Avro(data.decode())


class _Avro:
    def __init__(self, text: str) -> None:
        self._schema = avro.Schema(text)

    def decode(self, content: bytes) -> Any:
        return decoders.tidy(self._schema.decode(content))


class _Confluent:
    """A byte 0, the schema's number in four bytes, the value."""

    def __init__(self, files: Mapping[int, _Later], registry: Registry | None) -> None:
        self._files, self._registry = files, registry

    def __call__(self, content: bytes) -> Any:
        """Return the value. Raises ValueError, also for a schema that cannot be had."""
        if len(content) < _WIRE or content[0] != 0:
            raise ValueError("it does not begin with a 0 and the number of a schema")
        number = int.from_bytes(content[1:_WIRE], "big")
        if number in self._files:
            return self._files[number](content[_WIRE:])
        if self._registry is None:
            raise ValueError(f"schema {number} is not among the schemas of MQADMIN_SCHEMAS")
        return self._registry.schema(number).decode(content[_WIRE:])


class Registry:
    """A registry of schemas that answers as Confluent's does. Any thread may use it."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._known: dict[int, _Avro] = {}
        self._failed: dict[int, tuple[float, str]] = {}
        self._asked: list[float] = []
        self._lock = threading.Lock()

    def schema(self, number: int) -> _Avro:
        """Return a schema, from memory where it was asked for before. Raises ValueError in words."""
        if (found := self._known.get(number)) is not None:
            return found
        with self._lock:
            now = time.monotonic()
            self._failed = {pk: told for pk, told in self._failed.items() if now - told[0] < _SILENT_S}
            self._asked = [at for at in self._asked if now - at < _SILENT_S]
            if number in self._failed:
                raise ValueError(self._failed[number][1])
            if len(self._asked) >= _MOST_ASKED:
                raise ValueError(
                    f"schema {number} is not known yet, and the registry was asked often: in a minute"
                )
            self._asked.append(now)
        try:
            found = _Avro(self._ask(number))
        except ValueError as error:
            with self._lock:
                self._failed[number] = (time.monotonic(), f"schema {number}: {error}")
            raise ValueError(f"schema {number}: {error}") from None
        if len(self._known) < _MOST_KEPT:
            self._known[number] = found
        return found

    def _ask(self, number: int) -> str:
        import requests  # where no body names a schema, nobody needs it

        try:
            with requests.get(f"{self._url}/schemas/ids/{number}", timeout=_ASKED_S, stream=True) as answer:
                if answer.status_code != 200:
                    raise ValueError(f"the registry answers {answer.status_code}")
                text, until = b"", time.monotonic() + 2 * _ASKED_S
                for piece in answer.iter_content(65_536):
                    text += piece
                    if len(text) > _LARGEST or time.monotonic() > until:
                        raise ValueError("the registry's answer is too large, or too slow")
        except requests.RequestException as error:  # its words may hold the address, and a password in it
            raise ValueError(f"the registry does not answer ({type(error).__name__})") from None
        try:
            told = json.loads(text)
            kind, schema = told.get("schemaType", "AVRO"), told["schema"]
        except (ValueError, KeyError, AttributeError, RecursionError):
            raise ValueError("the registry's answer cannot be read") from None
        if kind != "AVRO" or not isinstance(schema, str):
            raise ValueError("it is no schema of Avro")
        return schema


def _registry(table: Mapping[str, Any] | None) -> Registry | None:
    if table is None:
        return None
    url = str(table.get("url", ""))
    for name in _REFERENCE.findall(url):
        if name not in os.environ:
            raise ValueError(f"the registry's url names ${name}, which is not set")
    url = _REFERENCE.sub(lambda found: os.environ[found[1]], url)
    if not url.startswith(("http://", "https://")):
        raise ValueError("the registry's url does not begin with https:// or http://")
    return Registry(url)
