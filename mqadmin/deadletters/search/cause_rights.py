"""Whose a cause is: what is written beside it, and how many letters it had, is for who may have all of them."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.rights import asking
from mqadmin.deadletters.search import tally


def whole(broker: str, groups: Iterable[str]) -> set[str]:
    """Return those of the causes of which who asks may have all letters there are. Where nothing is limited that is
    all of them, and nothing is read."""
    wanted = set(groups)
    if not wanted or asking.limited() is None:
        return wanted
    theirs = _counts(broker, wanted)
    with asking.asks(None):  # to compare with
        all_ = _counts(broker, wanted)
    return {group for group, count in theirs.items() if count == all_.get(group)}


def _counts(broker: str, groups: set[str]) -> dict[str, int]:
    return tally.by("group", {"broker": broker, "group__in": groups})


def require(broker: str, group: str) -> None:
    """See that who asks may do what is needed with all letters of a cause. Raises Http404, PermissionDenied."""
    who = asking.limited()
    if who is None or whole(broker, [group]):
        return
    with asking.needing("view"):
        is_seen = bool(_counts(broker, {group}))
    if not is_seen:
        raise Http404(_("No letter has this cause."))
    if not _counts(broker, {group}):
        raise PermissionDenied(permissions.denied(who.needed))
    raise PermissionDenied(_("Some letters of this cause are not yours, and this is about all of them."))
