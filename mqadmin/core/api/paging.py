"""Keyset pages for the API: the next page starts behind the last row, whatever was added meanwhile."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypedDict, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import F, Field, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.rabbit.numbers import whole

M = TypeVar("M", bound=Model)
MAX_LIMIT = 500


class Page(TypedDict):
    """One page: the rows, how many match in all (None: not counted), the cursor of the next page or None."""

    items: list[Any]
    total: int | None
    next: str | None


def paginate(
    queryset: QuerySet[M],
    *,
    limit: int = 50,
    cursor: str | None = None,
    order: Sequence[str] = ("-id",),
    counted: bool = True,
    narrow: Callable[[QuerySet[M], int], QuerySet[M]] | None = None,
) -> Page:
    """Return the page of `queryset` behind `cursor`, ordered by `order`, ties by primary key.

    `order` names fields of the model itself, "-" for descending; null sorts last either way, and is not spoken of
    where a column has none: PostgreSQL would sort the whole table instead of reading its index. `limit` is
    clipped to 1..500. `counted`: whether it says how many match, which takes long of very many. `narrow`: finds the
    first so many of some of the rows, where the database alone would pass too many others. Raises Refusal (400,
    "bad_cursor") for a cursor of another list or order.
    """
    keys = _keys(queryset.model, order)
    size = clipped(limit)
    rows = queryset
    if cursor:
        rows = rows.filter(_behind(queryset.model, keys, _decode(queryset.model, keys, cursor)))
    if narrow:
        rows = narrow(rows, size + 1)
    rows = rows.order_by(*(_ordering(queryset.model, name, down) for name, down in keys))
    items = list(rows[: size + 1])
    has_more = len(items) > size
    items = items[:size]
    last = _encode(keys, items[-1]) if has_more else None
    return {"items": items, "total": queryset.order_by().count() if counted else None, "next": last}


def clipped(limit: int) -> int:
    """Return how many rows a page has."""
    return max(1, min(limit, MAX_LIMIT))


def skipped(cursor: str | None) -> int:
    """Return how many rows lie before a page of what no row can mark the place in: there the cursor counts them.

    Raises Refusal (400, "bad_cursor") for any other cursor.
    """
    if not cursor:
        return 0
    number = whole(cursor, 9)
    if number is None:
        raise _of_another_list()
    return number


def _keys(model: type[Model], order: Sequence[str]) -> list[tuple[str, bool]]:
    pk = model._meta.pk.name
    keys = [(pk if name.lstrip("-") == "pk" else name.lstrip("-"), name.startswith("-")) for name in order]
    if pk not in {name for name, _down in keys}:
        keys.append((pk, bool(keys) and keys[0][1]))
    return keys


def _ordering(model: type[Model], name: str, down: bool) -> OrderBy:
    last = True if _field(model, name).null else None
    return F(name).desc(nulls_last=last) if down else F(name).asc(nulls_last=last)


def _behind(model: type[Model], keys: list[tuple[str, bool]], values: list[Any]) -> Q:
    """Return the condition for rows that sort after the row with these key values."""
    condition, same = Q(pk__in=[]), Q()
    for (name, down), value in zip(keys, values, strict=True):
        if value is None:  # null sorts last: nothing lies behind it, there are only ties
            same &= Q(**{f"{name}__isnull": True})
            continue
        after = Q(**{f"{name}__{'lt' if down else 'gt'}": value})
        if _field(model, name).null:
            after |= Q(**{f"{name}__isnull": True})
        condition |= same & after
        same &= Q(**{name: value})
    return condition


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    field = model._meta.get_field(name)
    if not isinstance(field, Field):
        raise TypeError(f"{name} is not a column of {model.__name__}")
    return field


def _encode(keys: list[tuple[str, bool]], row: Model) -> str:
    values = [getattr(row, name) for name, _down in keys]
    plain = [value.isoformat() if isinstance(value, date | datetime) else value for value in values]
    text = json.dumps([_order_name(keys), plain], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode(model: type[Model], keys: list[tuple[str, bool]], cursor: str) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        name, values = json.loads(base64.urlsafe_b64decode(padded.encode()))
        if name != _order_name(keys) or len(values) != len(keys):
            raise ValueError(name)
        return [_field(model, key).to_python(value) for (key, _down), value in zip(keys, values, strict=True)]
    except (ValueError, TypeError, OverflowError, RecursionError, binascii.Error, ValidationError):
        raise _of_another_list() from None


def _of_another_list() -> Refusal:
    return Refusal(_("This cursor belongs to another list."), "bad_cursor", status=400)


def _order_name(keys: list[tuple[str, bool]]) -> str:
    return ",".join(f"-{name}" if down else name for name, down in keys)
