"""Who may what, from nobody to an admin."""

from __future__ import annotations

# Each may what the ones before it may. "" is signed in, but has no role yet.
RANKS = ["anonymous", "", "viewer", "operator", "admin"]
EVERYBODY, SIGNED_IN, VIEWER, OPERATOR, ADMIN = RANKS


def may(who: str, needed: str) -> bool:
    return RANKS.index(who) >= RANKS.index(needed)
