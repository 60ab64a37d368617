"""The cluster is balanced and named, its statistics begin anew."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mqadmin.administration.acting import deciding
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.listed.naming import address
from mqadmin.administration.nodes import acts
from mqadmin.administration.nodes.forms import RenameForm
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def cluster_rebalance(request: HttpRequest) -> HttpResponse:
    """Spread the leaders of replicated queues over the nodes."""
    slug = brokers.current(request)
    dialog = _of_cluster(
        slug,
        action=acts.REBALANCE,
        title=_("Spread the leaders of queues"),
        says=[
            _("Leaders of quorum queues and streams move until each node leads about as many."),
            _(
                "A queue whose leader moves waits a moment; messages stay. It goes on after this page has answered."
            ),
        ],
        label=_("Spread them"),
        icon="arrows-sort",
        danger=False,
    )

    act = partial(acts.rebalance, broker=slug, by=audit.actor(request))
    return deciding.sure(request, dialog, act, _("The leaders are being spread."))


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def cluster_reset(request: HttpRequest) -> HttpResponse:
    """Begin the management statistics anew, of one node (`name`) or of all."""
    slug = brokers.current(request)
    node = request.GET.get("name", "")
    says = [
        _(
            "Rates and charts that RabbitMQ's own console shows begin anew, and rates are unknown for some seconds."
        ),
        _("No message and no queue is touched. What mqadmin remembers of the past stays."),
    ]
    dialog = _of_cluster(
        slug,
        action=acts.RESET,
        title=_("Begin the statistics of %(node)s anew") % {"node": node}
        if node
        else _("Begin all statistics anew"),
        says=says,
        label=_("Begin anew"),
        icon="eraser",
        subject=node or slug,
    )

    act = partial(acts.reset_statistics, broker=slug, by=audit.actor(request), node=node)
    return deciding.sure(request, dialog, act, _("The statistics begin anew."))


@permissions.configure.of("broker")
@require_http_methods(["GET", "POST"])
def cluster_rename(request: HttpRequest) -> HttpResponse:
    """Call the cluster something else."""
    slug = brokers.current(request)
    dialog = _of_cluster(
        slug,
        action=acts.RENAME,
        title=_("Name the cluster"),
        says=[_("Federation links and shovels write this name into the messages that they pass on.")],
        label=_("Name it so"),
        icon="pencil",
        danger=False,
    )

    def act(form: RenameForm) -> tuple[str, str]:
        acts.rename(broker=slug, by=audit.actor(request), **form.values)
        return dialog.back, _("The cluster is called %(name)s now.") % form.values

    return deciding.decide(request, dialog, act, RenameForm)


def _of_cluster(slug: str, **said: Any) -> Dialog:
    back = address("node_list", slug)
    return Dialog(broker=slug, back=back, back_label=_("Nodes"), **{"subject": slug, **said})
