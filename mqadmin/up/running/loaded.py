"""All that the processes of `mqadmin up` are made of, loaded once: they are forked from a process that has it.

Imports Django and Celery on the call, not before: who starts each process by itself has none of it.
"""

from __future__ import annotations

import gc
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from mqadmin import place

Role = Callable[[], object]
PROGRAMS = ("python", "celery", "gunicorn", sys.executable)  # of which some command lines can be forked
_IN_THEIR_FIRST_SECONDS = (
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.routes",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.bin.beat",
    "celery.bin.worker",
    "celery.concurrency.thread",
    "celery.contrib.django.task",
    "celery.events.dispatcher",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.heartbeat",
    "celery.worker.loops",
    "celery.worker.pidbox",
    "celery.worker.strategy",
    "billiard.dummy",
    "billiard.pool",
    "dbm.dumb",
    "encodings.idna",
    "encodings.latin_1",
    "gunicorn.app.wsgiapp",
    "gunicorn.arbiter",
    "gunicorn.glogging",
    "gunicorn.workers.gthread",
    "kombu.asynchronous.semaphore",
    "kombu.mixins",
    "kombu.utils.limits",
)
_COMMANDS = ("run_monitor", "run_supervisor", "run_demo_producer")
# Words, and variables in them. What else a shell could read in a line is left to a shell.
_NOT_PLAIN = set(";&|<>()`*?[]#~!\n\\'\"")


def words(command: str) -> list[str]:
    """Return the words of a command line as a shell has them, with its variables; [] for what is more than that."""
    if _NOT_PLAIN.intersection(command):
        return []
    asked = ["sh", "-c", f"set -f; set -- {command}\nprintf '%s\\0' \"$@\""]
    said = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return [] if said.returncode else os.fsdecode(said.stdout).split("\0")[:-1]


class Loaded:
    """The modules, templates and commands of all processes. Made once, before anything is forked.

    Raises whatever one of them raises.
    """

    def __init__(self) -> None:
        began_ns = time.time_ns()
        _load()
        from consumers.supervisor.forking import fitness
        from mqadmin import resident

        resident.give_back()
        self._fitness = fitness
        texts = (*(place.FILES / "templates").rglob("*.html"), *(place.FILES / "locale").rglob("*.mo"))
        self._files = fitness.Loaded(began_ns, also=map(os.fspath, texts))
        gc.collect()
        gc.freeze()  # a collection would write to each object, and so copy it

    def unfit(self, ours: Collection[int]) -> str:
        """Return why nothing may be forked now, "" if it may. `ours`: descriptors that this process has to have."""
        if self._files.unsure:
            return f"{self._files.unsure} was changed while it was loaded"
        changed = self._files.changed()
        return f"{changed} was changed" if changed else self._fitness.unfit(ours)

    def role(self, arguments: Sequence[str]) -> Role | None:
        """Return what runs this command line in a process that was forked; None for one that is not known here."""
        program = shutil.which(arguments[0]) if arguments else None
        if program is None or Path(program).parent != Path(sys.executable).parent:  # another Python's
            return None
        words, line = list(arguments), [program, *arguments[1:]]
        if words[1:3] == ["-P", "-m"]:  # of a package that was installed: `place.procfile`
            words = words[3:]
        elif words[0] != "python":  # a script
            line = [sys.executable, *line]
        match words:
            case ["python", "manage.py", command, *more] | ["mqadmin", command, *more] if (
                command in _COMMANDS
            ):
                return lambda: _manage(line, command, more)
            case ["celery", "--quiet", "-A", "mqadmin", "worker" | "beat" as kind, *more]:
                return lambda: _celery(line, kind, more)
            case ["gunicorn", *_more]:
                return lambda: _gunicorn(line)
        return None


def _load() -> None:
    """Import what the processes do, in their first seconds too, without beginning anything."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
    import django

    from mqadmin import ending

    ending.install()
    django.setup()
    for name in _IN_THEIR_FIRST_SECONDS:
        import_module(name)
    from django.conf import settings
    from django.core.management import get_commands, load_command_class

    from mqadmin import celery as ours
    from mqadmin import ready

    ours.app.loader.import_default_modules()
    ours.app.finalize()
    _made = ours.app.conf.timezone, ours.app.tasks, ours.app.amqp.queues, ours.app.amqp.router
    for name in _COMMANDS:
        load_command_class(get_commands()[name], name).create_parser(place.COMMAND, name)
    ready.make_ready()
    ready.rehearse()
    settings.LOGGING_CONFIG = None  # what sets Django up again would touch each logger: 4 MB


def _manage(line: list[str], name: str, options: list[str]) -> None:
    from django.core.management import get_commands, load_command_class

    from mqadmin import stack

    become(line)
    # As `execute_from_command_line` does, which would set Django up once more: 4 MB that are written to.
    command = load_command_class(get_commands()[name], name)
    stack.with_room(command.run_from_argv)([place.COMMAND, name, *options])


def _celery(line: list[str], kind: str, options: list[str]) -> None:
    """Run a command of Celery's. Without `celery.bin.celery`, whose shell is 9 MB."""
    from celery.bin.base import CLIContext

    from mqadmin.celery import app

    become(line)
    command = getattr(import_module(f"celery.bin.{kind}"), kind)
    context = CLIContext(app=app, no_color=True, workdir=None, quiet=True)
    command.main(args=options, prog_name=f"celery {kind}", obj=context)


def _gunicorn(line: list[str]) -> None:
    from gunicorn.app.wsgiapp import run

    become(line)
    run()


def become(line: list[str]) -> None:
    """Be as a process that was started with this command line, to itself and to others."""
    from consumers.supervisor.forking import shown
    from consumers.supervisor.machine import spawn

    sys.argv, sys.orig_argv = line[1:], line
    with suppress(OSError):  # no Linux
        shown.title(shlex.join(line))
    spawn.begin_here()
