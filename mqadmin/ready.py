"""What a web process does before its first request, so that no visitor waits for it."""

from __future__ import annotations

import gc

from django.conf import settings
from django.template import engines
from django.urls import URLResolver, get_resolver


def make_ready() -> None:
    """Load views and templates, and let the garbage collector pass over what is there now.

    All of it stays for as long as the process lives. To look through it again takes a tenth of a second, in which
    the process answers nobody; the collector did so after some hundred pages.
    """
    _load(get_resolver())
    folder = settings.BASE_DIR / "templates"
    for file in folder.rglob("*.html"):
        engines["django"].get_template(file.relative_to(folder).as_posix())
    gc.collect()
    gc.freeze()


def _load(resolver: URLResolver) -> None:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            _load(entry)
