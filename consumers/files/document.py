"""A file of definitions as text: YAML or TOML, read without trust, and written.

    consumers:
      orders:
        broker: default
        queue: orders
        handler: webhook
        options: {url: https://example.org/in}

What a consumer does not say is at its default. Everything refused is told with its place.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any, Literal

import tomli_w
import yaml
from django.utils.translation import gettext as _

from mqadmin.core import unseen
from mqadmin.core.errors import Refusal

Kind = Literal["yaml", "toml"]
LARGEST = 512 * 1024  # bytes, which take some seconds to read as YAML; a thousand consumers are less
DEEPEST = 12  # levels of tables in tables


def parsed(data: bytes | str, kind: Kind) -> Mapping[str, Any]:
    """Return the table that a file holds. Raises Refusal (422) with the place of what is wrong in it."""
    if len(data) > LARGEST:
        raise wrong(_("The file is larger than 512 kB."))
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise wrong(_("The file is no text in UTF-8: byte %(n)d.") % {"n": error.start + 1}) from error
    try:
        told = yaml.load(text, _Loader) if kind == "yaml" else tomllib.loads(text)  # noqa: S506  # a SafeLoader
        json.dumps(told, ensure_ascii=False, default=str).encode()  # no half of a character, nor too deep
    except yaml.MarkedYAMLError as error:
        raise wrong(_of_yaml(error)) from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        text = _("The file is no %(kind)s: %(why)s") % {"kind": kind.upper(), "why": _plain(error)}
        raise wrong(text) from error
    if not isinstance(told, dict):
        raise wrong(_("The file holds no consumers: it begins with “consumers”."))
    return told


def written(told: Mapping[str, Any], kind: Kind) -> str:
    """Return a table as text that `parsed` reads. What the eye does not see is written as its number in YAML."""
    if kind == "toml":
        return tomli_w.dumps(told)
    is_plain = not unseen.hides(json.dumps(told, ensure_ascii=False).encode())
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=is_plain, width=100)
    return str(text)


def wrong(text: str) -> Refusal:
    """Return what refuses a file."""
    return Refusal(text, "invalid", status=422, fields={"text": text})


class _Loader(yaml.SafeLoader):
    """YAML's plain data: without aliases, which make a small file endless, and each name once in its table."""

    _depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise _fault(_("An alias (*name) is not read here: write it out."), self._mark())
        if self._depth >= DEEPEST:
            raise _fault(_("Too many tables in tables."), self._mark())
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _mark(self) -> Any:
        return self.peek_event().start_mark  # type: ignore[no-untyped-call]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: ARG002
        names: set[str] = set()
        for key, _value in node.value if isinstance(node, yaml.MappingNode) else ():
            if key.tag != "tag:yaml.org,2002:str":
                text = _("“%(name)s” is no name here: put it in quotes.") % {"name": str(key.value)[:60]}
                raise _fault(text, key.start_mark)
            if key.value in names:
                raise _fault(_("“%(name)s” stands here twice.") % {"name": key.value[:60]}, key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep=True)


def _fault(text: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=text, problem_mark=mark)


def _of_yaml(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    why = (error.problem or "").encode("utf-8", "backslashreplace").decode()
    if mark is None:
        return _("The file is no YAML: %(why)s") % {"why": why}
    return _("Line %(line)d, column %(column)d: %(why)s") % {
        "line": mark.line + 1,
        "column": mark.column + 1,
        "why": why,
    }


def _plain(error: Exception) -> str:
    return " ".join(str(error).encode("ascii", "backslashreplace").decode().split())[:300]
