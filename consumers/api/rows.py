"""The rows that an address of the API names; 404 in words where there is none."""

from __future__ import annotations

from django.utils.translation import gettext as _

from consumers.models import Consumer, ConsumerProcess, Record
from mqadmin.core.api.plumbing import one


def find_consumer(name: str) -> Consumer:
    return one(Consumer.objects.filter(name=name), _("There is no consumer “%(name)s”.") % {"name": name})


def find_process(pk: int) -> ConsumerProcess:
    return one(
        ConsumerProcess.objects.select_related("consumer").filter(pk=pk),
        _("There is no process %(id)s.") % {"id": pk},
    )


def find_record(pk: int) -> Record:
    return one(
        Record.objects.select_related("consumer").filter(pk=pk), _("There is no record %(id)s.") % {"id": pk}
    )
