"""The API's calls for definitions as documents: exported, imported."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from mqadmin.core.acts import audit
from mqadmin.core.api.operations import OperationOut
from mqadmin.core.api.plumbing import CONFIGURE, VIEW, Body, a_broker
from mqadmin.definitions.acts import exporting, sources
from mqadmin.definitions.acts.planning import Scope
from mqadmin.definitions.acts.restoring import Wanted
from mqadmin.definitions.api.versions import RestoreIn, StepsOut, carried_out
from mqadmin.definitions.forms import restore as forms
from mqadmin.queues.pages.broker_status import is_production

router = Router(tags=["definitions"], auth=VIEW.of("broker"))


class ImportIn(RestoreIn):
    """The same as for a version, of a document of definitions. `vhost`: also where objects go that name none."""

    definitions: dict[str, Any]
    broker: str = ""


class ExportIn(Body):
    """Of which broker and virtual host; `confirm` is the broker's name where it is in production."""

    broker: str = ""
    vhost: str | None = None
    confirm: str = ""


@router.get("/definitions/now", response=dict[str, Any])
def definitions_now(request: HttpRequest, broker: str = "", vhost: str | None = None) -> dict[str, Any]:
    """Return a broker's definitions as they are now, in a stable order, without passwords."""
    return sources.exported(sources.now(a_broker(broker)), vhost=vhost)


@router.post("/definitions/export", response=dict[str, Any], auth=CONFIGURE.of("broker"))
def definitions_export(request: HttpRequest, wanted: ExportIn) -> dict[str, Any]:
    """Return the broker's own export, with password hashes. It is written to the audit log."""
    broker = a_broker(wanted.broker)
    forms.check_typed(wanted.confirm, broker, is_needed=is_production(broker))
    return exporting.with_secrets(broker=broker, vhost=wanted.vhost, by=audit.actor(request))


@router.post("/definitions/import", response={200: StepsOut, 202: OperationOut}, auth=CONFIGURE.of("broker"))
def definitions_import(request: HttpRequest, wanted: ImportIn) -> Status[Any]:
    """Begin to bring a broker to a document, or with `dry_run` (200) say what that would do.

    A worker does it, but for what has secrets of its own, users with a password say: that is done before the
    answer, as it is stored nowhere.
    """
    broker = a_broker(wanted.broker)
    read = sources.of_document(wanted.definitions, vhost=wanted.vhost)
    what = Wanted(read.objects, "document of the API")
    return carried_out(request, broker, what, wanted, Scope(wanted.vhost, wanted.object))
