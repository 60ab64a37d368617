"""Handler options: a frozen dataclass with defaults is the form, the validation and the JSON schema.

`checking` converts and checks what is given.

    @dataclass(frozen=True)
    class Options:
        attempts: int = option(3, label=_("Attempts"), minimum=1, maximum=10)

Types: str, int, float, bool. Plain defaults work too; `option` adds what a form shows and checks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

Words = str | Promise
Value = str | int | float | bool
V = TypeVar("V", str, int, float, bool)

_SCHEMA_TYPES: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
ENTER: dict[type, Words] = {
    str: gettext_lazy("Enter text."),
    int: gettext_lazy("Enter a whole number."),
    float: gettext_lazy("Enter a number."),
    bool: gettext_lazy("Enter true or false."),
}


class OptionsError(ValueError):
    """Options that a handler cannot work with. `errors`: field -> message; "" speaks of all of them."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(f"{name}: {text}" if name else text for name, text in errors.items()))


@dataclass(frozen=True)
class OptionField:
    """One option as a form needs it. `choices`: (value, label) pairs; empty when any value will do."""

    name: str
    type: type[Value]
    label: str
    help: str
    default: Value
    choices: tuple[tuple[Value, str], ...]
    minimum: float | None
    maximum: float | None
    required: bool
    secret: bool


def option(
    default: V,
    *,
    label: Words = "",
    help: Words = "",
    choices: Sequence[tuple[V, Words]] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    required: bool = False,
    secret: bool = False,
) -> V:
    """Declare a field of an options dataclass. `minimum`, `maximum`: of a number, inclusive.

    `required`: an empty text is refused. `secret`: hidden from who may not define consumers, and in the audit log;
    so is what looks like a secret in any other text.
    """
    metadata = {
        "label": label,
        "help": help,
        "choices": tuple(choices),
        "minimum": minimum,
        "maximum": maximum,
        "required": required,
        "secret": secret,
    }
    declared: Any = field(default=default, metadata=metadata)  # to a type checker: the default itself
    return declared  # type: ignore[no-any-return]


def describe(options_type: type | None) -> list[OptionField]:
    """Return the fields of an options dataclass, in the order they are written; [] for None.

    Raises TypeError for a field of another type or without a default.
    """
    if options_type is None:
        return []
    hints = get_type_hints(options_type)
    return [_describe(options_type, item, hints[item.name]) for item in fields(options_type)]


def _describe(options_type: type, item: dataclasses.Field[Any], hint: Any) -> OptionField:
    if hint not in _SCHEMA_TYPES or not isinstance(item.default, (str, int, float, bool)):
        raise TypeError(f"{options_type.__name__}.{item.name} must be str, int, float or bool with a default")
    meta = item.metadata
    return OptionField(
        name=item.name,
        type=hint,
        label=str(meta.get("label") or item.name.replace("_", " ").capitalize()),
        help=str(meta.get("help", "")),
        default=item.default,
        choices=tuple((value, str(text)) for value, text in meta.get("choices", ())),
        minimum=meta.get("minimum"),
        maximum=meta.get("maximum"),
        required=bool(meta.get("required", False)),
        secret=bool(meta.get("secret", False)),
    )


def parse(options_type: type | None, given: Mapping[str, Any]) -> Any:
    """Return `options_type(**given)` with every value converted and checked; None when there is no type.

    Texts are converted ("5" -> 5), as forms send them. Raises OptionsError with all faults at once.
    """
    items = {item.name: item for item in describe(options_type)}
    if not given and not any(item.required and item.default == "" for item in items.values()):
        return options_type() if options_type is not None else None
    # What checks is 15 MB, which a process that has nothing to check does without.
    from consumers.handlers import checking

    values = checking.checked(items, given)
    return options_type(**values) if options_type is not None else None


def mistyped(options_type: type | None, given: Mapping[str, Any]) -> dict[str, str]:
    """Return name -> words for each value that is not of the JSON type that `schema` says, though `parse` may
    read it: what a program sends needs no converting."""
    wrong = [item for item in describe(options_type) if item.name in given]
    return {item.name: str(ENTER[item.type]) for item in wrong if not _is_json(item.type, given[item.name])}


def _is_json(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, int | float if kind is float else str)


def schema(options_type: type | None) -> dict[str, Any]:
    """Return the JSON schema of an options dataclass."""
    items = describe(options_type)
    return {
        "type": "object",
        "properties": {item.name: _property(item) for item in items},
        "required": [item.name for item in items if item.required and item.default == ""],
        "additionalProperties": False,
    }


def _property(item: OptionField) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": _SCHEMA_TYPES[item.type],
        "title": item.label,
        "default": item.default,
    }
    if item.help:
        found["description"] = item.help
    if item.choices:
        found["enum"] = [value for value, _label in item.choices]
    if item.minimum is not None:
        found["minimum"] = item.minimum
    if item.maximum is not None:
        found["maximum"] = item.maximum
    if item.required and item.type is str:
        found["minLength"] = 1
    return found
