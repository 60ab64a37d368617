"""The handlers that are there without any code of one's own, with their options."""

from __future__ import annotations

from collections.abc import Iterator

from consumers.handlers import registry
from consumers.handlers.options import OptionField
from deploy.manual.reference.markdown import code, plain, table
from deploy.manual.words import said


def all_handlers() -> str:
    """Return all of them. Raises LookupError where one that ships cannot be imported."""
    if problems := registry.problems():
        raise LookupError(str(problems))
    return "\n".join(_part(found) for found in registry.all())


def _part(found: registry.Handler) -> str:
    words = said("**{title}.** {description}")
    words = words.format(title=plain(found.title), description=plain(found.description))
    text = f"## {found.name}\n\n{words}\n"
    if found.batch:
        text += f"\n{said(_IN_BATCHES)}\n"
    if found.kind == "collect":
        text += f"\n{said(_OF_ITSELF)}\n"
    fields = registry.option_fields(found)
    if not fields:
        return text
    head = ("option", "in the form", "default", "may be", "meaning")
    return text + "\n" + table([said(name) for name in head], [tuple(_row(field)) for field in fields])


_IN_BATCHES = "Takes messages in batches: the consumer says how large one is, and how long it waits for more."
_OF_ITSELF = "Nobody chooses it: **Track** on the page of a dead-letter queue starts it."


def _row(field: OptionField) -> Iterator[str]:
    yield code(field.name)
    yield plain(field.label)
    yield code(_value(field.default))
    yield _limits(field)
    secret = said(" Secret: only who may define consumers sees it.") if field.secret else ""
    yield plain(field.help) + secret


def _value(value: object) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _limits(field: OptionField) -> str:
    if field.choices:
        return ", ".join(f"`{value}` ({plain(label)})" for value, label in field.choices)
    kind = {str: "text", int: "whole number", float: "number", bool: "true or false"}[field.type]
    bounds = [
        said(words).format(bound=f"{bound:g}")
        for words, bound in (("from {bound}", field.minimum), ("to {bound}", field.maximum))
        if bound is not None
    ]
    return " ".join((said(kind), *bounds)) + (said(", required") if field.required else "")
