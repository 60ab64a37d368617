"""The command `mqadmin`: its own few commands, and all of Django's and ours that `manage.py` has.

`mqadmin up`, `mqadmin mcp` and the words about them load no Django.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from mqadmin import __version__, ending

OWN = {"consumer": "run_consumer"}
TOKENS = {"create": "create_token", "list": "list_tokens", "revoke": "revoke_tokens"}
_HELP = """\
mqadmin {version}: watch, repair and consume RabbitMQ queues from the browser

  mqadmin up                 set up and run all of it here, until Ctrl-C; `mqadmin up --help` tells its options
  mqadmin consumer NAME      run one process of a consumer, as under systemd or in a container
  mqadmin token create USER  make an API token, shown once; also: token list, token revoke USER
  mqadmin create_user NAME   make an account, or change its role
  mqadmin mcp                serve the JSON API to an agent (Model Context Protocol); `--acts` offers acts too
  mqadmin topology diff      compare a broker's definitions with a file; also: export, apply

Run by itself, what `mqadmin up` runs together (docs/running.md):
  migrate, collectstatic, setup_admin, setup_broker, then run_monitor, run_supervisor, and gunicorn and celery

  mqadmin help COMMAND       tells how to call one; `mqadmin help --commands` lists all
  mqadmin --version

Data is kept in the folder that MQADMIN_VAR names, else in {var}.
"""
_TOKENS = """\
usage: mqadmin token create USER [--name WHAT]   make one; it is shown once
       mqadmin token list [USER]                 who has which, and when each was used last
       mqadmin token revoke USER [--hint LAST4]  take back all of a user's, or the one that ends so
"""


def main(words: Sequence[str] | None = None) -> int:
    """Run what the words ask for, those of the command line unless given; return the exit code."""
    given = list(sys.argv[1:] if words is None else words)
    ending.install()
    match given:
        case [] | ["help" | "-h" | "--help"]:
            print(_help(), end="")
        case ["--version" | "-V" | "version"]:
            print(f"mqadmin {__version__}")
        case ["mcp", *rest]:
            return _mcp(rest)
        case ["help", "mcp"]:
            return _mcp(["--help"])
        case ["help", "up"]:
            _up(["--help"])
        case ["up", *rest]:
            _up(rest)
        case ["token"] | ["token", "-h" | "--help"] | ["help", "token"]:
            print(_TOKENS, end="")
        case ["token", what, *rest] if what in TOKENS:
            _django([TOKENS[what], *rest])
        case ["token", what, *_rest]:
            _unknown(f"token {what}", [f"token {name}" for name in TOKENS])
        case ["help", name, *rest]:
            _django(["help", OWN.get(name, name), *rest])
        case [name, *rest]:
            _django([OWN.get(name, name), *rest])
    return 0


def _help() -> str:
    from mqadmin import place

    try:
        var = str(place.var({"XDG_STATE_HOME": os.environ.get("XDG_STATE_HOME", "")}))
    except RuntimeError:
        var = "no folder: this user has no home"
    return _HELP.format(version=__version__, var=var)


def _up(words: list[str]) -> NoReturn:
    from mqadmin.local.trouble import report
    from mqadmin.up import asked

    report(lambda: asked.run(words))
    raise SystemExit  # `report` has exited


def _mcp(words: list[str]) -> int:
    from mqadmin.agents import asked

    return asked.run(words)


def _django(words: list[str]) -> None:
    """Run a management command. Ends the process with its exit code, where that is not 0."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")
    from django.core.management import ManagementUtility, get_commands
    from django.core.management.base import BaseCommand

    from mqadmin import stack

    class Utility(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            if subcommand not in get_commands():
                _unknown(subcommand, ["up", "token", "mcp", *OWN, *get_commands()])
            return super().fetch_command(subcommand)

    stack.with_room(Utility(["mqadmin", *words]).execute)()


def _unknown(name: str, known: Sequence[str]) -> NoReturn:
    near = get_close_matches(name, known, n=1)
    advice = f"Did you mean {near[0]}?" if near else "`mqadmin help` names those that matter."
    sys.stderr.write(f"mqadmin: there is no command {name!r}. {advice}\n")
    raise SystemExit(2)
