"""The rules: those that are there from the start and people's own; the form of one, with a preview."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mqadmin.alerts.acts import rules
from mqadmin.alerts.forms.fields import blame
from mqadmin.alerts.forms.rule import RuleForm
from mqadmin.alerts.models import Rule
from mqadmin.alerts.pages import preview, rule_rows
from mqadmin.alerts.pages.preview import Preview
from mqadmin.alerts.rules import checking
from mqadmin.core import permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering


@permissions.view
@require_GET
def rule_list(request: HttpRequest) -> HttpResponse:
    """Every rule in a sentence, people's own first."""
    return rendering.page(request, "alerts/rules.html", {"rows": rule_rows.rows()})


@permissions.configure
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    """Make a rule. GET takes first values from the address: a queue's page names its queue."""
    if request.method == "GET":
        names = ("about", "broker", "queues", "field", "value", "name")
        return _show(
            request, RuleForm(initial={name: request.GET[name] for name in names if name in request.GET})
        )
    return _save(request, RuleForm(request.POST), None)


@permissions.configure
@require_http_methods(["GET", "POST"])
def rule_edit(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Change a rule."""
    rule = get_object_or_404(Rule, pk=rule_id)
    if request.method == "GET":
        return _show(request, RuleForm(rule=rule))
    return _save(request, RuleForm(request.POST, rule=rule), rule)


def _save(request: HttpRequest, form: RuleForm, rule: Rule | None) -> HttpResponse:
    if "preview" in request.POST:
        return _show(request, form)
    if form.is_valid():
        by = audit.actor(request)
        try:
            if rule is None:
                rules.create(by=by, **form.values)
            else:
                rules.change(by=by, rule=rule, **form.values)
        except Refusal as refusal:
            blame(form, refusal.fields, refusal.text)
        else:
            return rendering.moved(request, reverse("alert_rule_list"), _("Saved."))
    return _show(request, form, status=422)


@permissions.configure
@require_GET
def rule_preview(request: HttpRequest) -> HttpResponse:
    """What the rule of the form as it is filled in would be about now, for its script."""
    found = (
        get_object_or_404(Rule, pk=request.GET["rule"]) if request.GET.get("rule", "").isdecimal() else None
    )
    form = RuleForm(request.GET, rule=found)
    return rendering.page(request, "alerts/_preview.html", {"preview": _preview(form)})


@permissions.configure
@require_POST
def rule_switch(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Switch a rule on (`on=1`) or off."""
    rule = get_object_or_404(Rule, pk=rule_id)
    is_on = request.POST.get("on") == "1"
    rules.switch(rule=rule, is_on=is_on, by=audit.actor(request))
    values = {"name": rule.title}
    text = _("“%(name)s” is on.") % values if is_on else _("“%(name)s” is off.") % values
    return rendering.moved(request, reverse("alert_rule_list"), text)


@permissions.configure
@require_POST
def rule_restore(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Make a built-in rule what it was at first."""
    rules.restore(rule=get_object_or_404(Rule, pk=rule_id), by=audit.actor(request))
    return rendering.moved(request, reverse("alert_rule_list"), _("It is as it was at first."))


@permissions.configure
@require_POST
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Delete one of people's own rules."""
    rules.delete(rule=get_object_or_404(Rule, pk=rule_id), by=audit.actor(request))
    return rendering.moved(request, reverse("alert_rule_list"), _("The rule is deleted."))


def _preview(form: RuleForm) -> Preview:
    """What the form is about as it is filled in; one that is new, by its first values."""
    bound = form if form.is_bound else RuleForm(form.as_sent(), rule=form.rule)
    if not bound.is_valid():
        return preview.not_yet()
    rule = Rule(**bound.values)
    return preview.not_yet() if checking.rule(rule) else preview.of(rule)


def _show(request: HttpRequest, form: RuleForm, *, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"form": form, "rule": form.rule, "preview": _preview(form)}
    return rendering.page(request, "alerts/rule.html", context, status=status)
