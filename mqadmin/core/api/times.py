"""Times as the API takes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from django.utils.translation import gettext as _
from pydantic import AfterValidator, BeforeValidator, Strict
from pydantic_core import PydanticCustomError

_BEGINS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _written(value: Any) -> Any:
    """Refuse numbers, which pydantic would take for seconds, or for milliseconds, since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _BEGINS.match(value)):
        return value
    raise PydanticCustomError("time", _("Input should be a time like 2026-01-31T08:30:00Z"))


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment


# A time that is given without a zone is UTC, as all times of the API are, wherever the server stands. A date alone
# is its midnight.
Moment = Annotated[datetime, Strict(False), BeforeValidator(_written), AfterValidator(_aware)]
