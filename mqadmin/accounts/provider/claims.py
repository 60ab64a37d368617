"""What a provider says of somebody: their name, their groups. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_GROUPS = 5_000
LONGEST = 400  # characters of a group
_NAMES = (
    "preferred_username",
    "email",
    "sub",
)  # what names somebody where the claim that was asked for does not


def name(claims: Mapping[str, Any], wanted: str) -> str:
    """Return what somebody is called, by the claim `wanted`, else by another one; "" for nobody."""
    for claim in (wanted, *_NAMES):
        found = value(claims, claim)
        if isinstance(found, str) and found.strip():
            return found.strip()
    return ""


def groups(claims: Mapping[str, Any], wanted: str) -> tuple[str, ...] | None:
    """Return the groups in a claim: a list of names, or names with commas; None where there is no such claim, or it
    is something else."""
    found = value(claims, wanted)
    if isinstance(found, str):
        found = found.split(",")
    if not isinstance(found, list):
        return None
    told = (item.strip()[:LONGEST] for item in found[:MOST_GROUPS] if isinstance(item, str))
    return tuple(sorted({group for group in told if group}))


def value(claims: Mapping[str, Any], path: str) -> Any:
    """Return a claim, None for none. Names with dots are looked up as they are, then as a path (`realm.roles`)."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
