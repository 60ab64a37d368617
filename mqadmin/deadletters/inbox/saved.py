"""Saved views: searches of the inbox that are worth keeping, one's own or shared with everybody."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.models import SavedView

KEPT = ("q", "status", "source", "queue", "vhost", "reason", "group", "since", "until")
MOST = 100


def visible(user: str) -> QuerySet[SavedView]:
    """Return the views of `user` and those that are shared."""
    return SavedView.objects.filter(Q(owner=user) | Q(owner=""))[: 2 * MOST]


def plain(query: str) -> str:
    """Return of an address's query what makes the view: no broker, page or letter; in a fixed order."""
    given = dict(parse_qsl(query[:4000]))
    return urlencode([(name, given[name]) for name in KEPT if given.get(name)])


def save(*, name: str, query: str, is_shared: bool, by: Actor) -> SavedView:
    """Keep a view. Raises Refusal: no name (422), nothing to keep (422), the name is taken (409)."""
    name, kept = name.strip(), plain(query)
    if not name or len(name) > 80:
        raise Refusal(_("Give the view a name of at most 80 characters."), "invalid", status=422)
    if not kept or len(kept) > 2000:
        raise Refusal(_("Search or filter for something first: that is what is kept."), "invalid", status=422)
    owner = "" if is_shared else by.name
    if SavedView.objects.filter(owner=owner).count() >= MOST:
        raise Refusal(_("There are %(n)d views already; delete one first.") % {"n": MOST}, "too_many")
    with audit.act(by=by, action="dead_letters.save_view", target=name, detail={"query": kept}):
        try:
            with transaction.atomic():
                return SavedView.objects.create(name=name, query=kept, owner=owner, by=by.name)
        except IntegrityError:
            raise Refusal(_("There is a view called “%(name)s” already.") % {"name": name}, "taken") from None


def delete(*, view: SavedView, by: Actor, may_configure: bool) -> None:
    """Delete a view: one's own, or a shared one by who saved it or who may configure. Raises Refusal (403)."""
    if by.name not in (view.owner, view.by) and not (may_configure and not view.owner):
        raise Refusal(
            _("Only %(who)s or an admin may delete this view.") % {"who": view.by}, "denied", status=403
        )
    with audit.act(by=by, action="dead_letters.delete_view", target=view.name, detail={"query": view.query}):
        view.delete()
