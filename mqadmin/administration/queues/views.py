"""Queues as something to be declared, bound and deleted; their pages are those of `mqadmin.queues`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mqadmin.administration.acting import changing, deciding, known
from mqadmin.administration.acting.deciding import Dialog
from mqadmin.administration.bindings import acts as binding_acts
from mqadmin.administration.listed.naming import address
from mqadmin.administration.queues.forms import DeleteQueueForm, QueueBindingForm, QueueForm
from mqadmin.core import brokers, permissions
from mqadmin.core.acts import audit
from mqadmin.queues.acts import declaring, deleting
from mqadmin.queues.models import Queue
from mqadmin.queues.views.queue import find
from mqadmin.rabbit.administration.queue_arguments import Version
from mqadmin.rabbit.errors import RabbitError


@permissions.configure.of("vhost")
@require_http_methods(["GET", "POST"])
def queue_new(request: HttpRequest) -> HttpResponse:
    """Declare a queue of any type, with what this broker's version takes."""
    slug = brokers.current(request)
    version = _version(slug)
    dialog = Dialog(
        action=declaring.DECLARE,
        broker=slug,
        title=_("New queue"),
        says=[_("It is declared on the broker “%(broker)s” at once.") % {"broker": slug}],
        label=_("Declare it"),
        back=address("queue_list", slug),
        back_label=_("Queues"),
        danger=False,
        icon="plus",
        form_template="administration/_queue_fields.html",
    )

    def act(form: QueueForm) -> tuple[str, str]:
        values: dict[str, Any] = form.values
        made = declaring.declare(broker=slug, by=audit.actor(request), **values)
        changing.outdate(slug, ["bindings"])
        text = _("The queue %(name)s was declared.") % {"name": made.name}
        return reverse("queue_detail", args=[made.pk]), text

    make = partial(QueueForm, vhosts=known.vhosts(slug), version=version, nodes=known.nodes(slug))
    return deciding.decide(request, dialog, act, make)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def queue_delete(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Delete a queue: only if it is empty and unused, or with what it holds kept or dropped."""
    queue = find(queue_id)
    brokers.show(request, queue.broker.slug)
    dialog = replace(
        _dialog(queue, _("Delete the queue %(name)s"), _("Delete it")),
        action="queue.delete",
        says=_deletion_says(queue),
        subject=queue.name,
        at_once=True,
    )

    def act(form: DeleteQueueForm) -> tuple[str, str]:
        values: dict[str, Any] = form.values
        by, how, even_used = audit.actor(request), values["messages"], values["even_used"]
        if how == "keep":
            operation = deleting.delete_kept(queue=queue, by=by, even_used=even_used)
            text = _("What is in %(name)s is kept, then it is deleted.") % {"name": queue.name}
            return reverse("operation_detail", args=[operation.pk]), text
        deleting.delete(queue=queue, by=by, even_full=how == "drop", even_used=even_used)
        changing.outdate(queue.broker.slug, ["bindings"])
        text = _("The queue %(name)s was deleted.") % {"name": queue.name}
        return address("queue_list", queue.broker.slug), text

    return deciding.decide(request, dialog, act, DeleteQueueForm)


@permissions.configure.of("rows")
@require_http_methods(["GET", "POST"])
def queue_bind(request: HttpRequest, queue_id: int) -> HttpResponse:
    """Bind a queue to an exchange."""
    queue = find(queue_id)
    slug = queue.broker.slug
    # By a binding one gets what others publish: it takes the virtual host, not the queue alone.
    permissions.require(slug, queue.vhost)
    brokers.show(request, slug)
    values = {"name": queue.name, "vhost": queue.vhost}
    dialog = replace(
        _dialog(queue, _("Bind the queue %(name)s"), _("Bind it")),
        action=binding_acts.BIND,
        says=[_("It gets what the exchange takes from then on, besides what it gets now.")],
        danger=False,
        icon="link",
        values={"vhost": queue.vhost, "destination": queue.name, "destination_type": "queue"},
        form_template="administration/_queue_binding_fields.html",
    )

    def act(form: QueueBindingForm) -> tuple[str, str]:
        given: dict[str, Any] = form.values
        binding_acts.bind(
            broker=slug, by=audit.actor(request), vhost=queue.vhost, destination=queue.name, **given
        )
        return reverse("queue_detail", args=[queue.pk]), _("%(name)s was bound.") % values

    make = partial(QueueBindingForm, sources=known.exchange_names(slug, queue.vhost))
    return deciding.decide(request, dialog, act, make)


def _dialog(queue: Queue, title: str, label: str) -> Dialog:
    return Dialog(
        action="",
        broker=queue.broker.slug,
        title=title % {"name": queue.name},
        says=[],
        label=label,
        back=reverse("queue_detail", args=[queue.pk]),
        back_label=queue.name,
        values={"vhost": queue.vhost, "name": queue.name},
    )


def _deletion_says(queue: Queue) -> list[str]:
    values = {"name": queue.name, "vhost": queue.vhost, "broker": queue.broker.slug}
    says = [
        _("The queue %(name)s (vhost %(vhost)s, broker %(broker)s) is deleted, and its bindings with it.")
        % values,
        _("What it was declared with stays in the audit log."),
    ]
    if queue.type == "stream":
        says.append(_("What is in a stream cannot be taken out, and so not be kept."))
    elif queue.type == "quorum":
        says.append(
            _(
                "A quorum queue cannot check itself that it is empty: what is published to it in the last "
                "milliseconds before it goes, goes too. Stop who publishes to it first."
            )
        )
    return says


def _version(slug: str) -> Version | None:
    """Return the broker's version, None where it is not known: then all is offered that the newest has."""
    try:
        return declaring.version_of(slug, brokers.for_page(slug))
    except RabbitError:
        return None
