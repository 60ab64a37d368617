"""Saved views: searches of a list that are worth keeping, one's own or shared with everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.acts.audit import Actor
from mqadmin.core.errors import Refusal
from mqadmin.core.models import AuditEntry, SavedSearch
from mqadmin.core.pages import rendering
from mqadmin.core.rights import asking

MOST = 100
V = TypeVar("V", bound=SavedSearch)


@dataclass(frozen=True)
class Shelf(Generic[V]):
    """The saved views of one list. `kept`: what of its address makes a view; `prefix`: of the acts in the audit
    log; `told`: what of a shared view's query everybody may read."""

    model: type[V]
    kept: tuple[str, ...]
    prefix: str
    told: Callable[[Mapping[str, str]], Mapping[str, str]] = dict

    def visible(self, user: str) -> QuerySet[V]:
        """Return the views of `user` and those that are shared."""
        return self.theirs(user)[: 2 * MOST]

    def theirs(self, user: str) -> QuerySet[V]:
        """Return the same, to be narrowed. Who sees a part of what is there has their own alone: what others search
        for names their queues."""
        mine = Q(owner=user)
        return self._rows().filter(mine if asking.limited() is not None else mine | Q(owner=""))

    def plain(self, query: str) -> str:
        """Return of an address's query what makes the view: no broker, page or row; in a fixed order."""
        given = dict(parse_qsl(query[:4000]))
        return urlencode([(name, given[name]) for name in self.kept if given.get(name)])

    def save(self, *, name: str, query: str, is_shared: bool, by: Actor, may_share: bool) -> V:
        """Keep a view. Raises Refusal: no name (422), nothing to keep (422), it is not theirs to share (403), the
        name is taken (409)."""
        name, kept = name.strip(), self.plain(query)
        if not name or len(name) > 80:
            raise Refusal(_("Give the view a name of at most 80 characters."), "invalid", status=422)
        if not kept or len(kept) > 2000:
            raise Refusal(
                _("Search or filter for something first: that is what is kept."), "invalid", status=422
            )
        if is_shared and not may_share:
            raise Refusal(_("Only an operator or an admin saves views for everybody."), "denied", status=403)
        owner = "" if is_shared else by.name
        if self._rows().filter(owner=owner).count() >= MOST:
            raise Refusal(_("There are %(n)d views already; delete one first.") % {"n": MOST}, "too_many")
        view = self.model(name=name, query=kept, owner=owner, by=by.name)
        with self._act(view, by, "save_view"):
            try:
                with transaction.atomic():
                    view.save(force_insert=True)
            except IntegrityError:
                taken = _("There is a view called “%(name)s” already.") % {"name": name}
                raise Refusal(
                    taken if is_shared else _("You have a view of this name already."), "taken"
                ) from None
        return view

    def delete(self, *, view: V, by: Actor, may_configure: bool) -> None:
        """Delete a view: one's own, or a shared one by who saved it or who may configure. Raises Refusal (403)."""
        if by.name not in (view.owner, view.by) and not (may_configure and not view.owner):
            text = _("Only %(who)s or an admin may delete this view.") % {"who": view.by}
            raise Refusal(text, "denied", status=403)
        with self._act(view, by, "delete_view"):
            view.delete()

    def post_save(self, request: HttpRequest, list_name: str) -> HttpResponse:
        """Answer a POST: keep the search that the page shows, under a name."""
        view = self.save(
            name=request.POST.get("view_name", ""),
            query=request.POST.get("view_query", ""),
            is_shared=bool(request.POST.get("view_shared")),
            by=audit.actor(request),
            may_share=permissions.may(request.user, "operate"),
        )
        text = _("The view “%(name)s” is saved.") % {"name": view.name}
        return rendering.acted(request, text, to=f"{reverse(list_name)}?{view.query}")

    def post_delete(self, request: HttpRequest, view_id: int, list_name: str) -> HttpResponse:
        """Answer a POST: delete a saved view."""
        user = request.user.get_username()
        view = get_object_or_404(self.theirs(user), pk=view_id)
        self.delete(
            view=view, by=audit.actor(request), may_configure=permissions.may(request.user, "configure")
        )
        text = _("The view “%(name)s” is deleted.") % {"name": view.name}
        return rendering.acted(request, text, to=reverse(list_name))

    def _rows(self) -> QuerySet[V]:
        rows: QuerySet[V] = self.model._default_manager.all()
        return rows

    def _act(self, view: V, by: Actor, what: str) -> AbstractContextManager[AuditEntry]:
        """Record an act on a view. Everybody who may view reads the audit log, so it tells of one's own view only
        that there was one."""
        action = f"{self.prefix}.{what}"
        if view.owner:
            return audit.act(by=by, action=action, target="a view of their own")
        asked: Any = self.told(dict(parse_qsl(view.query)))
        return audit.act(by=by, action=action, target=view.name, detail={"query": urlencode(asked)})
