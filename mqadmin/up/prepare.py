"""Is the way clear for `mqadmin up`? Every fault that a person can put right is found here, before anything starts.

The standard library only: `make up` asks before there is a virtual environment.
"""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path

from mqadmin import given, place
from mqadmin.local import node, ports, processes, steps
from mqadmin.local.trouble import Trouble
from mqadmin.up import run_state
from mqadmin.up.options import Options

# Megabytes. RabbitMQ takes no messages with less than 200 free (mqadmin.local.node).
_ROOM_WITH_BROKER, _ROOM = 400, 50


def check(options: Options) -> None:
    """Raise Trouble, in words, for what stands in the way; end what an earlier run left when it was killed."""
    given.refuse_placeholders()
    check_writable(options.var)
    check_room(options.var, _ROOM_WITH_BROKER if options.private_broker else _ROOM)
    end_previous(options)
    ports.check_free(options.host, options.port, "PORT", "the web page")
    if options.private_broker:
        ports.check_free("127.0.0.1", options.amqp_port, "BROKER_AMQP_PORT", "the private RabbitMQ, AMQP")
        ports.check_free("127.0.0.1", options.http_port, "BROKER_HTTP_PORT", "the private RabbitMQ, HTTP")


def check_room(var: Path, megabytes: int) -> None:
    """Raise Trouble where less is free for `var`: a disk that is full later is told less plainly."""
    free = shutil.disk_usage(var).free // 1_000_000
    if free < megabytes:
        raise Trouble(
            f"Only {free} MB are free for {var}, and {megabytes} MB are needed. "
            f"Make room, or name a folder on another disk: {place.UP} MQADMIN_VAR=DIR"
        )


def check_writable(var: Path) -> None:
    """Raise Trouble unless `var` can be made and everything directly in it can be written."""
    try:
        var.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths = [var, *var.iterdir()]
    except (FileExistsError, NotADirectoryError):
        raise Trouble(
            f"{var} is a file, not a folder. Name another one: {place.UP} MQADMIN_VAR=DIR"
        ) from None
    except OSError as error:
        raise Trouble(
            f"The folder {var} cannot be used: {error.strerror}. Name another one: {place.UP} MQADMIN_VAR=DIR"
        ) from None
    for path in paths:
        if not os.access(path, os.W_OK):
            raise Trouble(
                f"{path} may not be written by {getpass.getuser()}; an earlier run as another user made it. "
                f"Take it over: sudo chown -R {getpass.getuser()} {var}"
            )


def end_previous(options: Options) -> None:
    """End what one that was killed left behind; raise Trouble when one is alive."""
    previous = run_state.read(options.var)
    left_broker = node.Node(options.var / "rabbitmq", options.amqp_port, options.http_port)
    if previous is None:
        left_broker.end_unrecorded()
        return
    if previous.process.alive:
        raise Trouble(
            f"{place.UP} already runs on {options.var}, at {previous.address} (process {previous.process.pid}). "
            f"Stop it with Ctrl-C in its terminal, or name another folder: {place.UP} MQADMIN_VAR=DIR"
        )
    found = processes.end_run(previous.id, patience=8)
    if found or left_broker.running:
        steps.say(f"Ended what an earlier {place.UP}, which was killed, had left running.")
    left_broker.stop()
    left_broker.end_unrecorded()
    run_state.clear(options.var)
