"""Standing rules: what holds for every queue that matches a search."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.core.pages.formats import number
from mqadmin.queues.acts import standings
from mqadmin.queues.acts.standings import Direction, Said
from mqadmin.queues.forms.settle import RuleForm
from mqadmin.queues.models import Standing
from mqadmin.queues.pages import caring


@permissions.view
@require_safe
def standing_list(request: HttpRequest) -> HttpResponse:
    """All rules, the one that decides first on top, each with how many queues it matches."""
    return rendering.page(request, "queues/rules.html", {"rules": caring.rules()})


@permissions.operate
@require_http_methods(["GET", "POST"])
def standing_new(request: HttpRequest) -> HttpResponse:
    """Make a rule; `q` of the address is its search."""
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm(initial=request.GET.dict())
    return _shown(request, form, None)


@permissions.operate
@require_http_methods(["GET", "POST"])
def standing_edit(request: HttpRequest, standing_id: int) -> HttpResponse:
    """Have a rule say something else."""
    standing = get_object_or_404(Standing, pk=standing_id)
    form = RuleForm(request.POST) if request.method == "POST" else RuleForm.of(standing)
    return _shown(request, form, standing)


@permissions.operate
@require_POST
def standing_delete(request: HttpRequest, standing_id: int) -> HttpResponse:
    """Delete a rule: what it said holds no more."""
    standing = get_object_or_404(Standing, pk=standing_id)
    changed = standings.delete(standing=standing, by=audit.actor(request))
    text = _("The rule “%(name)s” is deleted. %(changed)s") % {
        "name": standing.name,
        "changed": _told(changed),
    }
    return rendering.moved(request, reverse("standing_list"), text)


@permissions.operate
@require_POST
def standing_move(request: HttpRequest, standing_id: int) -> HttpResponse:
    """Have a rule decide earlier or later: `to` is up or down."""
    standing = get_object_or_404(Standing, pk=standing_id)
    to: Direction = "down" if request.POST.get("to") == "down" else "up"
    changed = standings.move(standing=standing, to=to, by=audit.actor(request))
    words = _("The rule “%(name)s” decides earlier. %(changed)s")
    if to == "down":
        words = _("The rule “%(name)s” decides later. %(changed)s")
    text = words % {"name": standing.name, "changed": _told(changed)}
    return rendering.moved(request, reverse("standing_list"), text)


def _shown(request: HttpRequest, form: RuleForm, standing: Standing | None) -> HttpResponse:
    status = 200
    if form.is_bound and form.is_valid():
        try:
            name, changed = _saved(request, form, standing)
        except Refusal as refusal:
            form.blame(refusal)
            status = refusal.status
        else:
            text = _("The rule “%(name)s” holds. %(changed)s") % {"name": name, "changed": _told(changed)}
            return rendering.moved(request, reverse("standing_list"), text)
    context = {"form": form, "rule": standing}
    return rendering.page(request, "queues/rule.html", context, status=422 if form.errors else status)


def _saved(request: HttpRequest, form: RuleForm, standing: Standing | None) -> tuple[str, int]:
    said = Said(
        name=form.cleaned_data["name"],
        query=form.cleaned_data["query"],
        owner=form.cleaned_data["owner"],
        thresholds=form.thresholds if form.cleaned_data["sets_limits"] else None,
        muted_until=form.cleaned_data["muted_until"],
    )
    by = audit.actor(request)
    if standing is None:
        made, changed = standings.create(said=said, by=by)
        return made.name, changed
    return said.name, standings.change(standing=standing, said=said, by=by)


def _told(changed: int) -> str:
    return ngettext("%(n)s queue changed.", "%(n)s queues changed.", changed) % {"n": number(changed)}
