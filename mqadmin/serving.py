"""gunicorn's configuration (`gunicorn mqadmin.wsgi --config python:mqadmin.serving`): mqadmin is loaded once, and
what serves is forked from there.

So code and templates are there once for all of them, and one that ended is replaced at once. Code that changed
needs a start anew: after SIGHUP it is the same as before. gunicorn alone imports this.
"""

from __future__ import annotations

import os
from typing import Any

preload_app = True
os.environ["MQADMIN_SERVING"] = "forked"  # for `mqadmin.wsgi`, which gunicorn loads after this


def post_worker_init(_worker: Any) -> None:
    """Have what was forked say that it is there."""
    from mqadmin import wsgi

    wsgi.begin()


def worker_exit(_server: Any, _worker: Any) -> None:
    """Have it send what is left of its log."""
    from mqadmin.telemetry import running

    running.stop()
