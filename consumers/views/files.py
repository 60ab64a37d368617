"""Definitions as files: downloaded, and brought back after a look at what that would change."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from consumers.files import applying, document, entries, planning, telling, truth
from consumers.files.applying import Done
from consumers.files.document import Kind
from consumers.files.planning import Plan
from consumers.forms.files import ImportForm
from consumers.models import Consumer
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.core.errors import Refusal
from mqadmin.core.pages import prose, rendering

SHOWN = 200  # steps of a plan on the page


@permissions.view.of("rows")
@require_GET
def consumer_export(request: HttpRequest) -> HttpResponse:
    """The definitions as YAML or TOML; what may be a secret in options is a sign in its place."""
    kind: Kind = "toml" if request.GET.get("format") == "toml" else "yaml"
    rows = Consumer.objects.filter(broker__in=brokers.within(brokers.scope(request)), is_collector=False)
    response = HttpResponse(
        document.written(entries.written(rows), kind), content_type="text/plain; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="consumers.{kind}"'
    response["Cache-Control"] = "no-store"
    return response


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def consumer_import(request: HttpRequest) -> HttpResponse:
    """A text first says what it would change; what is shown is done when it is sent again with its mark.

    `own`: of the configured file. Nothing is kept meanwhile: the text goes along.
    """
    form = ImportForm(request.POST, request.FILES) if request.method == "POST" else ImportForm(request.GET)
    asked = request.method == "POST" or "own" in request.GET
    context: dict[str, Any] = {"form": form, "plan": None, "refusal": "", "asked": asked, "text": ""}
    status = 200
    if asked and form.is_valid():
        context["text"] = form.cleaned_data["text"]
        try:
            plan = _plan(form)
            context |= _shown(plan)
            if request.method == "POST" and form.cleaned_data["mark"]:
                done = _done(request, form, plan)
                return rendering.moved(request, reverse("consumer_list"), _told(done))
        except Refusal as error:
            context["refusal"], status = error.text, error.status
            context["fields"] = error.fields
    elif asked:
        status = 422
    context["file"] = truth.read()
    return rendering.page(request, "consumers/import.html", context, status=status)


def _plan(form: ImportForm) -> Plan:
    if not form.cleaned_data["own"]:
        return planning.plan(entries.read(document.parsed(form.cleaned_data["text"], "yaml")))
    found = truth.theirs(truth.read())
    if found is None:
        raise Refusal(_("MQADMIN_CONSUMERS_FILE names no file here."), "no_file")
    if found.problem:
        raise document.wrong(found.problem)
    return planning.plan(list(found.entries.values()))


def _shown(plan: Plan) -> dict[str, Any]:
    order = {"refused": 0, "create": 1, "change": 2}
    steps = sorted((step for step in plan.steps if step.act != "same"), key=lambda step: order[step.act])
    return {
        "plan": plan,
        "steps": steps[:SHOWN],
        "more": max(0, len(steps) - SHOWN),
        "same": plan.count("same"),
        "created": plan.count("create"),
        "changed": plan.count("change"),
        "must_type": telling.production(plan),
    }


def _done(request: HttpRequest, form: ImportForm, plan: Plan) -> Done:
    must_type = telling.production(plan)
    if must_type and form.cleaned_data["typed"].strip() != must_type:
        text = _("Type the name of the broker exactly.")
        raise Refusal(text, "not_confirmed", status=422, fields={"typed": text})
    name = settings.MQADMIN_CONSUMERS_FILE.rpartition("/")[2] if form.cleaned_data["own"] else "YAML"
    return applying.apply(
        plan,
        by=audit.actor(request),
        source=f"file {name}"[:80],
        mark=form.cleaned_data["mark"],
        start=form.cleaned_data["start"],
    )


def _told(done: Done) -> str:
    created = ngettext("%(n)d consumer is new", "%(n)d consumers are new", len(done.created))
    changed = ngettext("%(n)d is changed", "%(n)d are changed", len(done.changed))
    text = prose.sentence_of([created % {"n": len(done.created)}, changed % {"n": len(done.changed)}])
    if done.started:
        text = prose.paragraph((text, _("%(n)d are starting.") % {"n": len(done.started)}))
    return text
