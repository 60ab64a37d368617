"""What a web process does before its first request, so that no visitor waits for it."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from typing import Any
from wsgiref.util import setup_testing_defaults

from django.apps import apps
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.template import engines
from django.urls import URLResolver, get_resolver

from mqadmin.core import database

log = logging.getLogger(__name__)
_is_ready = False


def make_ready() -> None:
    """Load views and templates, once. They stay, so the garbage collector is to pass over them from then on
    (`resident.keep_small`): it took a tenth of a second, after some hundred pages, in which nobody was answered."""
    global _is_ready
    if _is_ready:  # before it was forked
        return
    _is_ready = True
    _load(get_resolver())
    if settings.MQADMIN_OIDC_ISSUER:
        import_module("mqadmin.accounts.provider.views")
    folder = settings.BASE_DIR / "templates"
    for file in folder.rglob("*.html"):
        engines["django"].get_template(file.relative_to(folder).as_posix())


@cache
def application() -> WSGIHandler:
    """Return Django's application, made once."""
    return WSGIHandler()


def rehearse() -> None:
    """Answer a request to sign in, and ask the database what processes ask first; no connection is left.

    What that loads, and makes once, is shared by what is forked afterwards. Faults are for those to meet.
    """
    host = next((host for host in settings.ALLOWED_HOSTS if host.strip(".*")), "localhost").lstrip(".*")
    try:
        environ: dict[str, Any] = {"PATH_INFO": "/login/", "HTTP_HOST": host, "wsgi.url_scheme": "https"}
        setup_testing_defaults(environ)
        application()(environ, lambda *_answer: _nowhere).close()
        database.of_another_version()
        for model in apps.get_models():
            model._meta.get_fields()
            if model._meta.managed:
                list(model._base_manager.all()[:1])
    except Exception as error:
        log.info("nothing was rehearsed: %s", error)
    finally:
        connections.close_all()


def _nowhere(_text: bytes) -> None:
    """Take what is written of an answer that nobody wants."""


def _load(resolver: URLResolver) -> None:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            _load(entry)
