"""Saved views: searches of the inbox that are worth keeping, one's own or shared with everybody."""

from __future__ import annotations

from contextlib import AbstractContextManager
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry
from mqadmin.deadletters.models import SavedView
from mqadmin.deadletters.search import searching

KEPT = ("q", "status", "source", "queue", "vhost", "reason", "group", "since", "until")
MOST = 100


def visible(user: str) -> QuerySet[SavedView]:
    """Return the views of `user` and those that are shared."""
    return SavedView.objects.filter(Q(owner=user) | Q(owner=""))[: 2 * MOST]


def plain(query: str) -> str:
    """Return of an address's query what makes the view: no broker, page or letter; in a fixed order."""
    given = dict(parse_qsl(query[:4000]))
    return urlencode([(name, given[name]) for name in KEPT if given.get(name)])


def save(*, name: str, query: str, is_shared: bool, by: Actor, may_share: bool) -> SavedView:
    """Keep a view. Raises Refusal: no name (422), nothing to keep (422), it is not theirs to share (403), the name
    is taken (409)."""
    name, kept = name.strip(), plain(query)
    if not name or len(name) > 80:
        raise Refusal(_("Give the view a name of at most 80 characters."), "invalid", status=422)
    if not kept or len(kept) > 2000:
        raise Refusal(_("Search or filter for something first: that is what is kept."), "invalid", status=422)
    if is_shared and not may_share:
        raise Refusal(_("Only an operator or an admin saves views for everybody."), "denied", status=403)
    owner = "" if is_shared else by.name
    if SavedView.objects.filter(owner=owner).count() >= MOST:
        raise Refusal(_("There are %(n)d views already; delete one first.") % {"n": MOST}, "too_many")
    view = SavedView(name=name, query=kept, owner=owner, by=by.name)
    with _act(view, by, "dead_letters.save_view"):
        try:
            with transaction.atomic():
                view.save(force_insert=True)
        except IntegrityError:
            taken = _("There is a view called “%(name)s” already.") % {"name": name}
            raise Refusal(
                taken if is_shared else _("You have a view of this name already."), "taken"
            ) from None
    return view


def delete(*, view: SavedView, by: Actor, may_configure: bool) -> None:
    """Delete a view: one's own, or a shared one by who saved it or who may configure. Raises Refusal (403)."""
    if by.name not in (view.owner, view.by) and not (may_configure and not view.owner):
        raise Refusal(
            _("Only %(who)s or an admin may delete this view.") % {"who": view.by}, "denied", status=403
        )
    with _act(view, by, "dead_letters.delete_view"):
        view.delete()


def _act(view: SavedView, by: Actor, action: str) -> AbstractContextManager[AuditEntry]:
    """Record an act on a view. Everybody who may view reads the audit log, so it tells of one's own view only that
    there was one, and of a shared one not what may be of a masked field."""
    if view.owner:
        return audit.act(by=by, action=action, target="a view of their own")
    asked = dict(parse_qsl(view.query))
    shown = {**asked, **({"q": searching.without_masked(asked["q"])} if "q" in asked else {})}
    return audit.act(by=by, action=action, target=view.name, detail={"query": urlencode(shown)})
