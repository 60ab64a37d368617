"""Reading JSON payloads that others wrote: what is missing or wrong is said in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery


class BadPayload(ValueError):
    """The message does not hold what its type promises."""


def document(message: Delivery) -> dict[str, Any]:
    """Return the body as a JSON object. Raises BadPayload."""
    try:
        found = message.json()
    except ValueError as error:
        raise BadPayload(f"the body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadPayload(f"the body must be a JSON object, not {type(found).__name__}")
    return found


def text(data: dict[str, Any], key: str) -> str:
    """Return a text that is not empty. Raises BadPayload."""
    value = data.get(key)
    if not isinstance(value, str) or not value:
        raise BadPayload(f"{key} is missing" if value is None else f"{key} must be text, not {value!r}")
    return value


def number(data: dict[str, Any], key: str) -> float:
    """Return a number. Raises BadPayload."""
    value = data.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadPayload(f"{key} is missing" if value is None else f"{key} must be a number, not {value!r}")
    return value


def moment(data: dict[str, Any], key: str) -> datetime | None:
    """Return an ISO 8601 time (UTC where it names no zone) or None where the key is absent. BadPayload."""
    value = data.get(key)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadPayload(f"{key} must be an ISO 8601 time, not {value!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def seconds_until(data: dict[str, Any], key: str) -> float:
    """Return the seconds from now until the time under `key`; 0 when it is past or absent."""
    at = moment(data, key)
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at is not None else 0.0
