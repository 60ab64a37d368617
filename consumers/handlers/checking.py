"""Options as they are given, converted and checked by pydantic; what is said of a fault is said here.

Imported when there is something to check.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Any, Required

from django.utils.translation import gettext as _
from pydantic import (
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails
from typing_extensions import TypedDict

from consumers.handlers.options import ENTER, OptionField, OptionsError, Value

_TRUE = {"true", "1", "yes", "on"}
_FALSE = {"false", "0", "no", "off", ""}


def checked(items: Mapping[str, OptionField], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given, converted. Raises OptionsError with all faults at once."""
    try:
        values: dict[str, Any] = _adapter(items.values()).validate_python(dict(given))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        raise OptionsError({str(fault["loc"][0]): _words(items, fault) for fault in faults}) from None
    return values


def _adapter(items: Iterable[OptionField]) -> TypeAdapter[Any]:
    """Return what converts and checks options. What is not given stays away: its default is the dataclass's."""
    kinds = {item.name: _kind(item) for item in items}
    given = TypedDict("given", kinds, total=False)  # type: ignore[misc]
    given.__pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[attr-defined]
    return TypeAdapter(given)


def _kind(item: OptionField) -> Any:
    kind = _KINDS[item.type]
    if item.type in (int, float):
        kind = Annotated[kind, Field(ge=item.minimum, le=item.maximum), BeforeValidator(_no_truth)]
    kind = Annotated[kind, AfterValidator(partial(_allowed, item))]
    return Required[kind] if item.required and item.default == "" else kind


def _words(items: Mapping[str, OptionField], fault: ErrorDetails) -> str:
    item = items.get(str(fault["loc"][0]))
    if item is None:
        return _("This handler has no such option.")
    match fault["type"]:
        case "missing":
            return _("This option is needed.")
        case "greater_than_equal":
            return _("At least %(limit)g.") % {"limit": item.minimum}
        case "less_than_equal":
            return _("At most %(limit)g.") % {"limit": item.maximum}
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            return str(ENTER[item.type])


def _allowed(item: OptionField, value: Value) -> Value:
    if item.choices and value not in [choice for choice, _label in item.choices]:
        allowed = ", ".join(str(choice) for choice, _label in item.choices)
        raise ValueError(_("Choose one of: %(allowed)s.") % {"allowed": allowed})
    if item.required and value == "":
        raise ValueError(_("This option is needed."))
    return value


def _no_truth(raw: Any) -> Any:
    """Refuse true and false, which are 1 and 0 to Python and to pydantic."""
    return None if isinstance(raw, bool) else raw


def _truth(raw: Any) -> bool:
    """Return what a form's box or a JSON value says; pydantic would take 1 and "t" and refuse an empty text."""
    if isinstance(raw, bool):
        return raw
    word = raw.strip().lower() if isinstance(raw, str) else None
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(ENTER[bool])


_KINDS: dict[type, Any] = {
    str: Annotated[str, Strict()],
    int: int,
    float: Annotated[float, AllowInfNan(False)],
    bool: Annotated[bool, BeforeValidator(_truth)],
}
