"""What definitions add to the rest: a page, threads of the monitor, and what is deleted when it is old."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from mqadmin.core import hooks
from mqadmin.definitions.acts import running, steps  # noqa: F401 (running: workers find the runner)
from mqadmin.definitions.keeping import events, retention, thread
from mqadmin.definitions.keeping.who import RESTORES
from mqadmin.definitions.listening import thread as listening
from mqadmin.definitions.pages import happenings
from mqadmin.history import happenings as history


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    hooks.register_nav_part(hooks.NavPart("cluster", "definitions", _("Definitions"), "versions"))
    hooks.register_monitor_thread(thread.start)
    hooks.register_monitor_thread(listening.start)
    for forget in (retention.forget, events.forget, steps.forget):
        hooks.register_retention(forget)
    hooks.register_operation_page(RESTORES, _restore)
    history.register(happenings.happenings)


def _restore(operation: Any) -> str:
    return reverse("definitions_restored", args=[operation.pk])
