"""The commands: `mqadmin ...`, which a checkout has as `manage.py ...`, each with its help."""

from __future__ import annotations

import contextlib
import io
import re
import socket
from argparse import Action, ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from django.core.management import get_commands, load_command_class

from deploy.manual.reference.markdown import plain
from mqadmin import command
from mqadmin.agents import asked as agents
from mqadmin.up import asked as up

OURS = ("mqadmin.", "consumers")
# Of Django and of libraries: those that somebody who runs mqadmin needs.
OTHERS = ("migrate", "collectstatic", "changepassword", "axes_reset", "axes_reset_username", "axes_reset_ip")
_OF_ALL = {
    "help", "version", "verbosity", "settings", "pythonpath", "traceback", "no_color", "force_color", "skip_checks",
}  # fmt: skip
_FORMER = {"create_token": "token create", "list_tokens": "token list", "revoke_tokens": "token revoke"}


def all_commands() -> str:
    """Return all of them, each with its help."""
    parts = [
        _part("up", _printed(lambda: up.run(["--help"]))),
        _part("mcp", _printed(lambda: agents.run(["--help"]))),
    ]
    parts += [_described(name) for name in names()]
    return f"~~~~~~ text\n{_cleaned(command._help())}~~~~~~\n\n" + "\n".join(parts)


def names() -> list[str]:
    """Return the commands that are told of: all of ours, and some of others."""
    ours = [name for name, app in get_commands().items() if str(app).startswith(OURS) and name != "mcp"]
    return [*sorted(ours), *OTHERS]


def _described(name: str) -> str:
    parser = load_command_class(str(get_commands()[name]), name).create_parser("mqadmin", name)
    _without_common(parser)
    former = _FORMER.get(name)
    also = (
        f"Also: `mqadmin {former}`.\n\n"
        if former
        else "Also: `mqadmin consumer`.\n\n"
        if name == "run_consumer"
        else ""
    )
    return _part(name, parser.format_help(), also)


def _without_common(parser: ArgumentParser) -> None:
    """Leave out what every command of Django's takes."""
    for item in _all_parsers(parser):
        for group in item._action_groups:
            kept = [action for action in group._group_actions if action.dest not in _OF_ALL]
            group._group_actions[:] = kept
        item._actions[:] = [action for action in item._actions if action.dest not in _OF_ALL]


def _all_parsers(parser: ArgumentParser) -> Iterator[ArgumentParser]:
    yield parser
    for action in parser._actions:
        choices: object = _choices(action)
        if isinstance(choices, dict):
            for found in choices.values():
                if isinstance(found, ArgumentParser):
                    yield from _all_parsers(found)


def _choices(action: Action) -> object:
    return action.choices


def _part(name: str, text: str, also: str = "") -> str:
    return f"## mqadmin {plain(name)} {{#{name}}}\n\n{also}~~~~~~ text\n{_cleaned(text)}~~~~~~\n"


def _printed(run: object) -> str:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.suppress(SystemExit):
        run()  # type: ignore[operator]
    return told.getvalue()


def _cleaned(text: str) -> str:
    """Return a help as it reads on any machine: without the names of this one."""
    text = text.replace(f"(default: {socket.gethostname()})", "(default: the machine's)")
    text = text.replace(str(Path.home()), "~")
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"
