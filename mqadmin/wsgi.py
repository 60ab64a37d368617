"""The WSGI entry point (gunicorn mqadmin.wsgi)."""

import os
import sys

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from mqadmin.base_path import below

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
GIVE_UP = 4  # by this exit code of a worker gunicorn ends, instead of starting another one, for ever
try:
    inside = get_wsgi_application()
except SystemExit as end:  # the settings cannot be used: one line says why
    sys.stderr.write(f"{end}\n")
    raise SystemExit(GIVE_UP) from None
application = below(settings.BASE_PATH, inside)
