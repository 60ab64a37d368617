"""From a file's table to definitions, each with what is wrong with it; from definitions to the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from consumers.definitions import validation
from consumers.definitions.definitions import FIELDS
from consumers.files.document import wrong
from consumers.handlers import registry
from consumers.models import Consumer
from mqadmin.core import brokers

ALWAYS = ("broker", "vhost", "queue", "handler")  # written though they are at their default
SECTION = "consumers"
MOST = 1_000  # consumers in a file: each that is new or changed is checked


@dataclass(frozen=True)
class Entry:
    """One consumer of a file. `fields`: all of FIELDS, what cannot be read at its default; `errors`: by field."""

    name: str
    fields: Mapping[str, Any]
    errors: Mapping[str, str] = field(default_factory=dict)


def read(told: Mapping[str, Any]) -> list[Entry]:
    """Return the consumers of a table. Raises Refusal (422) where it is no table of consumers at all."""
    for name in told:
        if name != SECTION:
            raise wrong(_("“%(name)s” is not known: a file holds “consumers” alone.") % {"name": name[:60]})
    section = told.get(SECTION)
    if not isinstance(section, dict):
        raise wrong(_("The file holds no consumers: “consumers” is a table of names."))
    if len(section) > MOST:
        raise wrong(
            _("The file holds %(n)d consumers: %(most)d at most.") % {"n": len(section), "most": MOST}
        )
    return [_entry(name, given) for name, given in section.items()]


def _entry(name: str, given: Any) -> Entry:
    fields = _defaults()
    if not isinstance(given, dict):
        return Entry(name, fields, {"": _("It is no table of settings.")})
    errors = {key: _unknown(key) for key in given if key not in FIELDS}
    known = {key: value for key, value in given.items() if key in FIELDS}
    mistyped = validation.mistyped(known)
    errors |= mistyped
    fields |= {key: value for key, value in known.items() if key not in mistyped}
    for needed in ("queue", "handler"):
        if needed not in given:
            errors[needed] = _("This is needed.")
    if not fields["broker"] and "broker" not in errors:
        errors["broker"] = _("Name the broker: there are several.")
    return Entry(name, fields, errors)


def _unknown(key: str) -> str:
    if key == "desired":
        return _("A file starts and stops nothing: leave it out.")
    return _("There is no such setting.")


def _defaults() -> dict[str, Any]:
    blank = Consumer()
    found = {name: getattr(blank, name) for name in FIELDS}
    known = list(brokers.configs())
    return {**found, "broker": known[0] if len(known) == 1 else ""}


def written(consumers: Iterable[Consumer]) -> dict[str, Any]:
    """Return the table of definitions: what is not at its default, with a sign for what may be secret."""
    return {SECTION: {consumer.name: _written(consumer) for consumer in consumers}}


def _written(consumer: Consumer) -> dict[str, Any]:
    blank = Consumer()
    found = {
        name: getattr(consumer, name)
        for name in FIELDS
        if name != "options" and (name in ALWAYS or getattr(consumer, name) != getattr(blank, name))
    }
    usual = option_defaults(consumer.handler)
    shown = registry.shown(consumer.handler, consumer.options)
    options = {name: value for name, value in shown.items() if name not in usual or usual[name] != value}
    return {**found, "options": options} if options else found


def option_defaults(handler: str) -> dict[str, Any]:
    """Return the options of a handler with their defaults; {} of one that is not registered."""
    try:
        return {item.name: item.default for item in registry.option_fields(registry.get(handler))}
    except registry.HandlerError:
        return {}
