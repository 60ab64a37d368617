"""What letters set off by themselves: rules that retry, breakers that pause a consumer. All off by default."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from consumers.models import Consumer
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import rendering
from mqadmin.deadletters.automatic import breaker, retries
from mqadmin.deadletters.forms.automatic import BreakerForm, RuleForm
from mqadmin.deadletters.inbox import inbox
from mqadmin.deadletters.models import Breaker, RetryRule
from mqadmin.queues.models import Queue


@permissions.view.of("rows")
@require_GET
def automatic(request: HttpRequest) -> HttpResponse:
    """The rules, the breakers, and the forms that change them."""
    return rendering.page(request, "deadletters/automatic.html", _context(request))


def _context(request: HttpRequest, form: RuleForm | None = None) -> dict[str, Any]:
    broker = brokers.current(request)
    rules = RetryRule.objects.filter(broker=broker)
    consumers = Consumer.objects.filter(broker=broker, is_collector=False).select_related("breaker")
    return {
        "broker": broker,
        "rules": [(rule, retries.described(rule), _fields(rule)) for rule in rules],
        "rows": [(item, _breaker(item)) for item in consumers],
        "form": form
        or RuleForm({"source": request.GET.get("source", ""), "group": request.GET.get("group", "")}),
        "is_asked": form is not None,
        "sources": inbox.choices(broker)["source"],
        "vhosts": Queue.objects.filter(broker__slug=broker)
        .order_by()
        .values_list("vhost", flat=True)
        .distinct(),
    }


def _fields(rule: RetryRule) -> list[tuple[str, str]]:
    """Return what a form sends to leave the rule as it is, but for its switch."""
    names = ("vhost", "source", "group", "at_most", "first_delay", "factor", "max_delay")
    return [(name, str(getattr(rule, name))) for name in names]


def _breaker(consumer: Consumer) -> Breaker:
    """Return its breaker; one that was never set is off, with the usual numbers."""
    found: Breaker | None = getattr(consumer, "breaker", None)
    return found or Breaker(consumer=consumer)


@permissions.configure.of("rows")
@require_POST
def rule_save(request: HttpRequest) -> HttpResponse:
    """Make a rule, or change the one there is; what is wrong stands beside its field."""
    form = RuleForm(request.POST)
    if form.is_valid():
        try:
            broker = brokers.current(request)
            rule = retries.save(by=audit.actor(request), broker=broker, **form.cleaned_data)
        except Refusal as refusal:
            form.blame(refusal.fields, refusal.text)
        else:
            text = _("The rule is on.") if rule.is_on else _("The rule is stored, and off.")
            return rendering.moved(request, reverse("letters_automatic"), text)
    return rendering.page(request, "deadletters/automatic.html", _context(request, form), status=422)


@permissions.configure.of("rows")
@require_POST
def rule_delete(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Delete a rule."""
    retries.delete(rule=get_object_or_404(RetryRule, pk=rule_id), by=audit.actor(request))
    return rendering.moved(request, reverse("letters_automatic"), _("The rule is deleted."))


@permissions.configure.of("rows")
@require_POST
def breaker_save(request: HttpRequest, name: str) -> HttpResponse:
    """Set or switch the breaker of one consumer."""
    consumer = get_object_or_404(Consumer, name=name)
    form = BreakerForm(request.POST)
    if not form.is_valid():
        raise Refusal(_("Give whole numbers of letters and of seconds."), "invalid", status=422)
    found = breaker.save(consumer=consumer, by=audit.actor(request), **form.cleaned_data)
    state = _("on") if found.is_on else _("off")
    text = _("The breaker of %(name)s is %(state)s.") % {"name": name, "state": state}
    return rendering.moved(request, reverse("letters_automatic"), text)
