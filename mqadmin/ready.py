"""What a web process does before its first request, so that no visitor waits for it."""

from __future__ import annotations

import gc
import logging
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.template import engines
from django.urls import URLResolver, get_resolver

from mqadmin.core import database

log = logging.getLogger(__name__)


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


def rehearse() -> None:
    """Answer a request to sign in, and ask the database what processes ask first; no connection is left.

    What that loads, and makes once, is shared by what is forked afterwards. Faults are for those to meet.
    """
    host = next((host for host in settings.ALLOWED_HOSTS if host.strip(".*")), "localhost").lstrip(".*")
    try:
        environ: dict[str, Any] = {"PATH_INFO": "/login/", "HTTP_HOST": host, "wsgi.url_scheme": "https"}
        setup_testing_defaults(environ)
        WSGIHandler()(environ, lambda *_answer: None).close()
        database.of_another_version()
    except Exception as error:
        log.info("nothing was rehearsed: %s", error)
    finally:
        connections.close_all()


def _load(resolver: URLResolver) -> None:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            _load(entry)
