"""Times as the API takes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.utcoffset() is None else moment


# A time that is given without a zone is UTC, as all times of the API are, wherever the server stands.
Moment = Annotated[datetime, AfterValidator(_aware)]
