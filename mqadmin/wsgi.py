"""The WSGI entry point (gunicorn mqadmin.wsgi)."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING

from mqadmin import ending
from mqadmin.base_path import below
from mqadmin.stack import with_room

if TYPE_CHECKING:
    from mqadmin.base_path import Application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
GIVE_UP = 4  # by this exit code of a worker gunicorn ends, instead of starting another one, for ever


def _application() -> Application:
    try:
        from django.core.wsgi import get_wsgi_application

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="No directory at")  # said below
            made = get_wsgi_application()
        from django.conf import settings

        from mqadmin.core import database
        from mqadmin.ready import make_ready

        if not os.path.isdir(settings.STATIC_ROOT):
            sys.stderr.write(
                f"mqadmin: no static files in {settings.STATIC_ROOT}: run manage.py collectstatic.\n"
            )
        database.require(wait=True)  # one that is away is a page of each request, until it is back
        make_ready()
        _say_that_it_is_there()
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


def _say_that_it_is_there() -> None:
    """gunicorn itself ends a worker that hangs: one that runs answers."""
    from mqadmin.core.acts import signs

    signs.Sign(signs.WEB).start()


application = _application()
