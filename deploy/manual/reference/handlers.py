"""The handlers that are there without any code of one's own, with their options."""

from __future__ import annotations

from collections.abc import Iterator

from consumers.handlers import registry
from consumers.handlers.options import OptionField
from deploy.manual.reference.markdown import code, plain, table


def all_handlers() -> str:
    """Return all of them. Raises LookupError where one that ships cannot be imported."""
    if problems := registry.problems():
        raise LookupError(str(problems))
    return "\n".join(_part(found) for found in registry.all())


def _part(found: registry.Handler) -> str:
    text = f"## {found.name}\n\n**{plain(found.title)}.** {plain(found.description)}\n"
    if found.batch:
        text += "\nTakes messages in batches: the consumer says how large one is, and how long it waits for more.\n"
    if found.kind == "collect":
        text += "\nNobody chooses it: **Track** on the page of a dead-letter queue starts it.\n"
    fields = registry.option_fields(found)
    if not fields:
        return text
    head = ("option", "in the form", "default", "may be", "meaning")
    return text + "\n" + table(head, [tuple(_row(field)) for field in fields])


def _row(field: OptionField) -> Iterator[str]:
    yield code(field.name)
    yield plain(field.label)
    yield code(_value(field.default))
    yield _limits(field)
    yield plain(field.help) + (" Secret: only who may define consumers sees it." if field.secret else "")


def _value(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _limits(field: OptionField) -> str:
    if field.choices:
        return ", ".join(f"`{value}` ({plain(label)})" for value, label in field.choices)
    kind = {str: "text", int: "whole number", float: "number", bool: "true or false"}[field.type]
    bounds = [
        f"{word} {bound:g}"
        for word, bound in (("from", field.minimum), ("to", field.maximum))
        if bound is not None
    ]
    return " ".join((kind, *bounds)) + (", required" if field.required else "")
