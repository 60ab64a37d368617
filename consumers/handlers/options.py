"""Handler options: a frozen dataclass with defaults is the form, the validation and the JSON schema.

    @dataclass(frozen=True)
    class Options:
        attempts: int = option(3, label=_("Attempts"), minimum=1, maximum=10)

Types: str, int, float, bool. Plain defaults work too; `option` adds what a form shows and checks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, TypeVar, get_type_hints

from django.utils.functional import Promise
from django.utils.translation import gettext as _

Words = str | Promise
Value = str | int | float | bool
V = TypeVar("V", str, int, float, bool)

_SCHEMA_TYPES: dict[type, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


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


def option(
    default: V,
    *,
    label: Words = "",
    help: Words = "",
    choices: Sequence[tuple[V, Words]] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    required: bool = False,
) -> V:
    """Declare a field of an options dataclass. `minimum`, `maximum`: of a number, inclusive.

    `required`: an empty text is refused.
    """
    metadata = {
        "label": label,
        "help": help,
        "choices": tuple(choices),
        "minimum": minimum,
        "maximum": maximum,
        "required": required,
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


def _describe(options_type: type, item: Field[Any], hint: Any) -> OptionField:
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
    )


def parse(options_type: type | None, given: Mapping[str, Any]) -> Any:
    """Return `options_type(**given)` with every value converted and checked; None when there is no type.

    Texts are converted ("5" -> 5), as forms send them. Raises OptionsError with all faults at once.
    """
    known = {item.name: item for item in describe(options_type)}
    errors: dict[str, str] = {}
    values: dict[str, Value] = {}
    for name, raw in given.items():
        if name not in known:
            errors[name] = _("This handler has no such option.")
            continue
        try:
            values[name] = _convert(known[name], raw)
        except ValueError as error:
            errors[name] = str(error)
    for name, item in known.items():
        if item.required and name not in given and item.default == "":
            errors[name] = _("This option is needed.")
    if errors:
        raise OptionsError(errors)
    return options_type(**values) if options_type is not None else None


def _convert(item: OptionField, raw: Any) -> Value:
    value = _TO[item.type](raw)
    if item.choices and value not in [choice for choice, _label in item.choices]:
        allowed = ", ".join(str(choice) for choice, _label in item.choices)
        raise ValueError(_("Choose one of: %(allowed)s.") % {"allowed": allowed})
    if item.required and value == "":
        raise ValueError(_("This option is needed."))
    if not isinstance(value, str | bool):
        if item.minimum is not None and value < item.minimum:
            raise ValueError(_("At least %(limit)g.") % {"limit": item.minimum})
        if item.maximum is not None and value > item.maximum:
            raise ValueError(_("At most %(limit)g.") % {"limit": item.maximum})
    return value


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise ValueError(_("Enter text."))
    return raw


def _integer(raw: Any) -> int:
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str | int) and not isinstance(raw, bool):
        try:
            return int(raw)
        except ValueError:
            pass
    raise ValueError(_("Enter a whole number."))


def _number(raw: Any) -> float:
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        try:
            value = float(raw)
        except (ValueError, OverflowError):
            value = math.nan
        if math.isfinite(value):
            return value
    raise ValueError(_("Enter a number."))


def _truth(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(_("Enter true or false."))


_TO: dict[type, Callable[[Any], Value]] = {str: _text, int: _integer, float: _number, bool: _truth}


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
