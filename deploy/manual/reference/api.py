"""The calls of the JSON API, from its own description (OpenAPI)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.manual.reference.markdown import cell, code, plain, table
from mqadmin.api import api
from mqadmin.core.api.description import NEEDS

_REF = "#/components/schemas/"
_ROOT = "/api/v1"
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true, false",
    "null": "null",
    "object": "object",
}
Schema = Mapping[str, Any]


def calls() -> str:
    """Return all calls, and the objects that they take and answer."""
    document: Schema = api.get_openapi_schema(path_prefix=f"{_ROOT}/")
    groups: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, methods in document["paths"].items():
        short = path.removeprefix(_ROOT)
        for method, said in methods.items():
            groups.setdefault(short.split("/")[1], []).append((method.upper(), short, said))
    schemas = document["components"]["schemas"]
    parts = [
        f"## {name}\n\n" + "\n".join(_call(*call, schemas) for call in calls)
        for name, calls in sorted(groups.items())
    ]
    return f"{_errors(document)}\n" + "\n".join(parts) + _objects(schemas)


def _errors(document: Schema) -> str:
    one = next(iter(next(iter(document["paths"].values())).values()))
    rows = [
        (code(status), said["description"])
        for status, said in sorted(one["responses"].items(), key=lambda item: str(item[0]))
        if int(status) >= 400
    ]
    return table(("status", "means"), rows)


def _call(method: str, path: str, said: Schema, schemas: Schema) -> str:
    words = str(said.get("description") or said.get("summary", "")).strip()
    lines = [
        f"#### {method} {path} {{#{said['operationId']}}}",
        "",
        f"{plain(cell(words))} *Needs {said[NEEDS]}.*",
    ]
    rows = [*_parameters(said, schemas), *_body(said, schemas)]
    if rows:
        lines += ["", table(("given", "in", "type", "default", "means"), rows).rstrip()]
    if answer := _answer(said, schemas):
        lines += ["", f"Answers {answer}."]
    return "\n".join(lines) + "\n"


def _parameters(said: Schema, schemas: Schema) -> Iterator[tuple[str, ...]]:
    for item in said.get("parameters", []):
        schema = item["schema"]
        words = item.get("description") or schema.get("description", "")
        yield (
            _name(item["name"], item.get("required", False)),
            item["in"],
            _type(schema, schemas),
            _default(schema),
            plain(words),
        )


def _body(said: Schema, schemas: Schema) -> Iterator[tuple[str, ...]]:
    for kind, content in said.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(content["schema"], schemas)
        needed = schema.get("required", [])
        place = "body" if kind == "application/json" else kind
        for name, field in schema.get("properties", {}).items():
            words = plain(field.get("description", ""))
            yield _name(name, name in needed), place, _type(field, schemas), _default(field), words


def _name(name: str, required: bool) -> str:
    return f"**`{name}`**" if required else f"`{name}`"


def _default(schema: Schema) -> str:
    value = schema.get("default")
    return (
        ""
        if value in (None, "", [], {})
        else code({True: "true", False: "false"}.get(value, value) if isinstance(value, bool) else value)
    )


def _type(schema: Schema, schemas: Schema) -> str:
    """Return what a value may be: text, a list of numbers, one of some words."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        found = schemas[name]
        return _type(found, schemas) if "properties" not in found else f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            kinds = [_type(item, schemas) for item in schema[key]]
            return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "const" in schema:
        return code(schema["const"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), schemas) or 'anything'}"
    return _TYPES.get(str(kind), "anything")


def _answer(said: Schema, schemas: Schema) -> str:
    for status, response in sorted(said["responses"].items(), key=lambda item: str(item[0])):
        if int(status) < 400:
            content = response.get("content", {}).get("application/json", {})
            if "schema" in content:
                return f"{status} with {_type(content['schema'], schemas)}"
            return f"{status}"
    return ""


def _resolved(schema: Schema, schemas: Schema) -> Schema:
    return schemas[schema["$ref"].removeprefix(_REF)] if "$ref" in schema else schema


def _objects(schemas: Schema) -> str:
    """Return the objects that calls take and answer, each with its fields."""
    parts = ["\n## Objects\n"]
    for name, schema in sorted(schemas.items()):
        if "properties" not in schema:
            continue
        rows = [
            (code(field), _type(said, schemas), plain(said.get("description", "")))
            for field, said in schema["properties"].items()
        ]
        words = plain(cell(schema.get("description", "")))
        parts.append(
            f"#### {name} {{#{name.lower()}}}\n\n{words}\n\n{table(('field', 'type', 'means'), rows)}"
        )
    return "\n".join(parts)
