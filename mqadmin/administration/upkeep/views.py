"""What is to be known before an upgrade."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from mqadmin.administration.listed import views as listed
from mqadmin.administration.listing import reading
from mqadmin.administration.upkeep import findings, upgrade_words
from mqadmin.administration.upkeep.lists import UPGRADE
from mqadmin.core import brokers, permissions
from mqadmin.core.pages import rendering
from mqadmin.queues.pages.broker_status import status_of


@permissions.view.of("broker")
@require_safe
def upgrade(request: HttpRequest) -> HttpResponse:
    """What breaks, changes or should be known when this broker is upgraded."""
    slug = brokers.current(request)
    seen = reading.look(slug, UPGRADE)
    version = rendering.version(request, seen.known_by)
    if same := rendering.unchanged(request, version):
        return same
    table = seen.rows()
    found = [table.row(place) for place in table.order("about")]
    broker = status_of(slug).broker
    context = {
        **listed.about(request, slug, seen),
        "version_now": f"{broker.product} {broker.version}".strip() if broker else "",
        "found": [findings.shown(slug, item, upgrade_words.words) for item in found],
        "breaks": sum(1 for item in found if item.level == "breaks"),
        "cares": sum(1 for item in found if item.level == "care"),
    }
    return rendering.page(
        request,
        "administration/upgrade.html",
        context,
        fragment="administration/_upgrade.html",
        version=version,
    )
