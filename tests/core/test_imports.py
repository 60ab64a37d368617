"""What a process without pages or an API does not load: each of these is many megabytes, once for each process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deploy import ROOT

HEAVY = (
    "ninja.main",
    "pydantic",
    "unittest",
    "django.test",
    "mqadmin.core.api",
    "mqadmin.queues.views",
    "celery",
)
CELERY = "from mqadmin.celery import app; app.loader.import_default_modules()"
COMMANDS = ("mqadmin.queues run_monitor", "consumers run_consumer", "consumers run_supervisor")


@pytest.mark.any_database
@pytest.mark.parametrize("command", COMMANDS)
def test_a_process_loads_what_it_uses(command: str) -> None:
    app, name = command.split()
    code = (
        "import sys, django; django.setup(); from django.core.management import load_command_class;"
        f"load_command_class({app!r}, {name!r}); print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mqadmin.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.any_database
def test_worker_and_beat_load_no_pages() -> None:
    """Celery would have Django look through all of them: 40 MB, twice."""
    heavy = [name for name in HEAVY if name != "celery"]
    code = f"import sys; {CELERY}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
