"""What calls the API has, as its own description (OpenAPI) says, and what a tool of each is given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Literal

NEEDS = "x-mqadmin-needs"  # of a call in the description: view, operate or configure
SECRET = "x-mqadmin-secret"  # noqa: S105  # of a call that is for nobody but a person
_ROOT = "/api/v1"
_REF = "#/components/schemas/"
_JSON = "application/json"
_APP = re.compile(r"(?:mqadmin_)?(\w+?)_api_(\w+)")
_CONFIRM = {
    "type": "string",
    "description": "The code that the first call with the same arguments returned. Leave it out in the first call.",
}


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `path`: behind /api/v1, with {names}; `schema`: what its tool takes, as JSON Schema.

    `dry_run`: where the call can be asked what it would do, "" where it cannot.
    """

    name: str
    method: str
    path: str
    words: str
    needs: str
    in_path: tuple[str, ...]
    in_query: tuple[str, ...]
    dry_run: Literal["", "query", "body"]
    schema: Mapping[str, Any]

    @property
    def is_act(self) -> bool:
        """Whether it may change anything: whatever is not GET is held to."""
        return self.method != "GET"


def calls(document: Mapping[str, Any]) -> dict[str, Call]:
    """Return the calls that tools are made of, by the tool's name.

    Left out is what the description does not say the right of, what hands out secrets, and what takes a file.
    A tool is named as the call's function, with its app before it only where two apps have one of that name.
    """
    found = list(_operations(document))
    shared = Counter(_short(said["operationId"]) for _method, _path, said in found)
    made = {}
    for method, path, said in found:
        body = said.get("requestBody", {}).get("content", {})
        if NEEDS not in said or said.get(SECRET) or (body and _JSON not in body):
            continue
        name = _short(said["operationId"])
        if shared[name] > 1:
            name = "_".join(_APP.fullmatch(said["operationId"]).groups())  # type: ignore[union-attr]
        made[name] = _call(document, name, method, path, said)
    return made


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document.get("paths", {}).items():
        _base, root, behind = path.partition(_ROOT + "/")  # before it is what a proxy has mqadmin under
        for method, said in methods.items():
            if root and _APP.fullmatch(said.get("operationId", "")):
                yield method.upper(), "/" + behind, said


def _short(operation_id: str) -> str:
    found = _APP.fullmatch(operation_id)
    return found[2] if found else operation_id


def _call(document: Mapping[str, Any], name: str, method: str, path: str, said: Mapping[str, Any]) -> Call:
    given = said.get("parameters", [])
    places = {
        place: tuple(item["name"] for item in given if item["in"] == place) for place in ("path", "query")
    }
    fields = {item["name"]: _field(item) for item in given}
    needed = [item["name"] for item in given if item.get("required")]
    dry_run: Literal["", "query", "body"] = "query" if fields.pop("dry_run", None) else ""
    body, takes_dry_run = _body(document, said)
    if body is not None:
        fields["body"] = body
        if said["requestBody"].get("required"):
            needed.append("body")
        dry_run = "body" if takes_dry_run else dry_run
    if method != "GET":
        fields["confirm"] = _CONFIRM
    schema: dict[str, Any] = {"type": "object", "properties": fields, "additionalProperties": False}
    if needed:
        schema["required"] = needed
    used = _used(document, fields)
    if used:
        schema["$defs"] = used
    schema = _renamed(schema)
    words = said.get("description") or said.get("summary", "")
    return Call(name, method, path, words, said[NEEDS], places["path"], places["query"], dry_run, schema)


def _field(item: Mapping[str, Any]) -> dict[str, Any]:
    words = item.get("description")
    return {**item.get("schema", {}), **({"description": words} if words else {})}


def _body(document: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """Return the schema of the body, without `dry_run`, and whether it had that. None where there is no body."""
    schema = said.get("requestBody", {}).get("content", {}).get(_JSON, {}).get("schema")
    if schema is None:
        return None, False
    name = schema.get("$ref", "").removeprefix(_REF)
    whole = deepcopy(document["components"]["schemas"][name] if name else schema)
    takes_dry_run = whole.get("properties", {}).pop("dry_run", None) is not None
    return whole, takes_dry_run


def _used(document: Mapping[str, Any], schema: Any) -> dict[str, Any]:
    """Return all schemas that one speaks of, by name, those of those included."""
    known: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    found: dict[str, Any] = {}
    left = list(_names(schema))
    while left:
        name = left.pop()
        if name not in found and name in known:
            found[name] = known[name]
            left += _names(known[name])
    return found


def _names(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix(_REF)
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from _names(item)


def _renamed(schema: Any) -> Any:
    """Return the schema with each reference into the document as one into itself."""
    if isinstance(schema, dict):
        return {
            key: "#/$defs/" + item.removeprefix(_REF)
            if key == "$ref" and isinstance(item, str)
            else _renamed(item)
            for key, item in schema.items()
        }
    return [_renamed(item) for item in schema] if isinstance(schema, list) else schema
