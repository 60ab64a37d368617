"""What administration adds to the rest: a thread of the monitor, the deletion of lists that nobody looks at."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acts import converting  # noqa: F401
from mqadmin.administration.lists import kinds, thread
from mqadmin.administration.pages import effects, touched, unbinding
from mqadmin.core import hooks

# The pages of the sidebar's group "Broker": the first part of their address, what they are called, their icon.
NOUNS = (
    ("exchanges", _("Exchanges"), "sitemap"),
    ("bindings", _("Bindings"), "link"),
)


def register() -> None:
    """Hang everything where it belongs. Called once the app is ready."""
    kinds.load()
    touched.register()
    hooks.register_touched(effects.panels)
    hooks.register_queue_doors(unbinding.doors)
    for key, label, icon in NOUNS:
        hooks.register_nav_part(hooks.NavPart(key, label, icon))
    hooks.register_monitor_thread(thread.start)
    hooks.register_retention(thread.forget)
