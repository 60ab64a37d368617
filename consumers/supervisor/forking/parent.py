"""The process that consumers are forked from: imports all that they need, then waits for its supervisor's word.

    python -m consumers.supervisor.forking.parent DESCRIPTOR SUPERVISOR_PID BEGAN_NS MODULES

It has one thread, no connection, no file: that is looked at before each fork. A consumer is a fork of a fork,
whose parent ends at once, so that it becomes the supervisor's own child: the supervisor reaps it and reads its
exit code as of one that it started itself, and no end of this process is any consumer's.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
from typing import Any

from consumers.supervisor.forking import kernel, shown
from consumers.supervisor.forking.protocol import GO, MESSAGE_MAX
from mqadmin import place

log = logging.getLogger("mqadmin.supervisor")

_STANDARD = (0, 1, 2)


def main() -> None:
    """Serve forks until the supervisor ends; in each of them, run what was asked for."""
    descriptor, supervisor, began_ns, modules = sys.argv[1:5]
    control = socket.socket(fileno=int(descriptor))
    try:
        kernel.die_with_parent(int(supervisor))
    except ProcessLookupError:
        return
    shown.title(f"mqadmin: consumer processes are forked from this one (of supervisor {supervisor})")
    problems = _load(with_handlers=modules == "handlers")
    arguments = _serve(control, int(began_ns), problems)
    from django.core.management import load_command_class

    from mqadmin import stack

    # As `execute_from_command_line` does, which would set Django up once more: 4 MB that are written to.
    words = arguments[len(place.manage()) :]
    command = load_command_class("consumers", words[0])
    stack.with_room(command.run_from_argv)([place.COMMAND, *words])


def _load(*, with_handlers: bool) -> str:
    """Import what a consumer process does, in its first second too, without beginning anything.

    Returns what could not be: it may be there when the next process is started, so none is to learn that from here.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
    import encodings.idna  # noqa: F401  # of the first connection

    import django

    from mqadmin import ending

    ending.install()
    django.setup()
    from django.core.management import load_command_class

    from consumers.handlers import builtin, reference, registry  # noqa: F401
    from mqadmin.telemetry import running

    load_command_class("consumers", "run_consumer").create_parser(place.COMMAND, "run_consumer")
    running.load()
    _rehearse()
    return " ".join(map(str, registry.problems().values())) if with_handlers else ""


def _rehearse() -> None:
    """Ask the database what each process asks first: what that loads, and makes once, they share. 4 MB of each.

    The connection is closed. A database that is away costs nothing but this.
    """
    from django.db import connections

    from consumers.models import Consumer, ConsumerProcess
    from mqadmin.core import database

    try:
        database.of_another_version()
        ConsumerProcess.objects.filter(pk=0, ended_at=None).update(state="")
        Consumer.objects.filter(name="").first()
    except Exception as error:  # whatever it is, each process meets it itself, and says so
        log.info("the database was not asked: %s", error)
    finally:
        connections.close_all()


def _serve(control: socket.socket, began_ns: int, problems: str) -> list[str]:
    """Answer the supervisor. Returns in a forked process alone: the command line that it is to run."""
    from consumers.supervisor.forking import fitness

    loaded = fitness.Loaded(began_ns)
    ours = (*_STANDARD, control.fileno())
    gc.collect()
    gc.freeze()  # a collection would write to each object, and so copy it
    _say(control, unfit=problems or fitness.unfit(ours), unsure=loaded.unsure)
    while True:
        data, descriptors, _flags, _address = socket.recv_fds(control, MESSAGE_MAX, 2)
        if not data:
            os._exit(0)
        asked = json.loads(data)
        if not asked:
            _say(control, unfit=fitness.unfit(ours), changed=loaded.changed())
        elif _is_forked(control, descriptors):
            _become(asked, *descriptors)
            arguments: list[str] = asked["arguments"]
            return arguments


def _is_forked(control: socket.socket, descriptors: list[int]) -> bool:
    """Fork, and tell the supervisor. Returns True in the new process."""
    middle = os.fork()
    if not middle:
        try:
            last = os.fork()
        except OSError:
            os._exit(1)
        if last:
            os._exit(0)
        control.close()
        return True
    for descriptor in descriptors:
        os.close(descriptor)
    _pid, status = os.waitpid(middle, 0)
    _say(control, forked=status == 0)
    return False


def _become(asked: dict[str, Any], output: int, channel: int) -> None:
    """Be as a process that was started with this command line, once the supervisor knows of it; else end."""
    from consumers.supervisor.machine import spawn

    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    shown.variable(asked["variable"], asked["mark"])
    os.environ[asked["variable"]] = asked["mark"]
    shown.title(" ".join(asked["arguments"]))
    spawn.begin_here()
    sys.argv = asked["arguments"][1:]
    sys.orig_argv = asked["arguments"]
    with socket.socket(fileno=channel) as told:
        told.send(str(os.getpid()).encode())
        if told.recv(1) != GO:  # given up, or gone: what it does not know of must not run
            os._exit(0)


def _say(control: socket.socket, **words: object) -> None:
    control.send(json.dumps(words).encode())


if __name__ == "__main__":
    main()
