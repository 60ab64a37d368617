"""What `mqadmin up` takes on its command line: each option is a variable of the environment, as for `make up`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence

from mqadmin import place
from mqadmin.local import broker, steps
from mqadmin.up import foreground, prepare
from mqadmin.up.options import from_environ

# (option, variable, what it is)
_OPTIONS = (
    ("--port", "PORT", "port of the web page; 8000"),
    ("--host", "HOST", "address to listen on; 127.0.0.1, so that this machine alone reaches it"),
    ("--rabbitmq-url", "RABBITMQ_URL", "amqp://user:password@host:5672/ of a RabbitMQ that you have"),
    (
        "--management-url",
        "RABBITMQ_MANAGEMENT_URL",
        "its management API, if not at port 15672 of the same host",
    ),
    ("--brokers-file", "MQADMIN_BROKERS_FILE", "a file that names several brokers"),
    (
        "--database-url",
        "DATABASE_URL",
        "postgres://user:password@host/name; else SQLite in the folder for data",
    ),
    ("--var", "MQADMIN_VAR", "the folder for data"),
    ("--base-path", "MQADMIN_BASE_PATH", "a path of a host that others share, /tools/mqadmin"),
    ("--handlers", "MQADMIN_HANDLERS", "modules with handlers of your own: shop.handlers,shop.mail"),
    ("--demo", "DEMO", "1 or 0: a small shop to look at; 1 only where RabbitMQ is mqadmin's own"),
)
_ASSIGNMENT = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_EPILOG = """\
Each option is a variable of the environment, named in brackets, and may be given as one: PORT=8001 mqadmin up,
or mqadmin up PORT=8001. So may all other variables: docs/configuration.md. An address with a password is better
given in the environment: others on this machine can read command lines.

Without a RabbitMQ of yours, one is run on loopback: that of the system's package rabbitmq-server, or a container
where Docker answers; with the ports BROKER_AMQP_PORT (5673) and BROKER_HTTP_PORT (15673). Nothing is installed.

Ctrl-C or SIGTERM ends all of it within 15 s. Running it again goes on with the same data.

exit code  0  stopped as asked
           1  something stands in the way, and is told
           2  no RabbitMQ was named, and there is none to run; or the command line makes no sense
"""


def run(words: Sequence[str]) -> int:
    """Do what `mqadmin up` with these words does, and return its exit code. Raises Trouble."""
    take(words)
    options = from_environ()
    if options.private_broker:
        broker.require()
    prepare.check(options)
    steps.say(f"Data is kept in {options.var}.")
    return foreground.main()


def take(words: Sequence[str]) -> None:
    """Put what the words say into the environment. Ends the process, in words, where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="mqadmin up",
        description="Set up mqadmin and run all its processes in the foreground.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option, variable, what in _OPTIONS:
        told = f" (default: {place.var({})})" if variable == "MQADMIN_VAR" else ""
        parser.add_argument(option, metavar="…", dest=variable, help=f"{what}{told} [{variable}]")
    parser.add_argument("assignments", nargs="*", metavar="NAME=VALUE", help="any other variable")
    asked = parser.parse_args(words)
    for text in asked.assignments:
        found = _ASSIGNMENT.fullmatch(text)
        if not found:
            parser.error(f"{text!r} is no NAME=VALUE")
        os.environ[found[1]] = found[2]
    for _option, variable, _what in _OPTIONS:
        value = getattr(asked, variable)
        if value is not None:
            os.environ[variable] = value
