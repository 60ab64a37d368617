"""The WSGI entry point (gunicorn mqadmin.wsgi)."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from mqadmin import ending
from mqadmin.base_path import below
from mqadmin.place import COMMAND
from mqadmin.stack import with_room

if TYPE_CHECKING:
    from mqadmin.base_path import Application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
GIVE_UP = 4  # by this exit code of a worker gunicorn ends, instead of starting another one, for ever


def _application() -> Application:
    try:
        import django

        django.setup()
        from django.conf import settings

        from mqadmin import ready, resident
        from mqadmin.core import database

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No directory at")  # said below
            made = ready.application()

        if not os.path.isdir(settings.STATIC_ROOT):
            sys.stderr.write(
                f"mqadmin: no static files in {settings.STATIC_ROOT}: run {COMMAND} collectstatic.\n"
            )
        database.require(wait=True)  # one that is away is a page of each request, until it is back
        ready.make_ready()
        resident.keep_small(cache_kb=500)
        return with_room(below(settings.BASE_PATH, made))
    except SystemExit as end:  # the settings, or the tables, cannot be used: one line says why
        text = str(end)
    except Exception as error:
        words = ending.words(error)
        if not words:
            raise
        text = f"mqadmin: {words}"
    sys.stderr.write(f"{text}\n")
    raise SystemExit(GIVE_UP)


def begin() -> None:
    """Say from now on, in a thread, that this process serves. gunicorn itself ends one that hangs."""
    from mqadmin.core.acts import signs
    from mqadmin.telemetry import running

    running.start("web")
    signs.Sign(signs.WEB).start()


def _let_go() -> None:
    """Leave nothing open that a fork would share."""
    from django.db import connections

    connections.close_all()


application = _application()
if os.environ.get("MQADMIN_SERVING") == "forked":  # see `serving`
    _let_go()
else:
    begin()
