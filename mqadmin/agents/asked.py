"""`mqadmin mcp` and `manage.py mcp`: their options, and what stands in the way."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from mqadmin.agents.asking import Line, Trouble, place
from mqadmin.agents.tools import Tools

WORDS = """\
Serves mqadmin's JSON API to an agent over stdio, as the Model Context Protocol has it. It needs no database: it
asks an mqadmin that runs, which MQADMIN_URL names, with the API token in MQADMIN_TOKEN, both from the environment.
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    parser.add_argument(
        "--acts",
        action="store_true",
        help="offer acts too, as far as the token may: each is said first, and done when it is confirmed",
    )
    parser.add_argument(
        "--tools",
        default="*",
        help="only tools whose names match, such as 'queue_*,letter_list,incident_*': some clients take few",
    )


def run(words: Sequence[str]) -> int:
    """Serve as the words ask for until the client leaves; return the exit code."""
    parser = argparse.ArgumentParser("mqadmin mcp", description=WORDS)
    options(parser)
    given = parser.parse_args(words)
    return serve(acts=given.acts, tools=given.tools)


def serve(*, acts: bool, tools: str) -> int:
    """Serve until the client leaves: 0; 2 where it cannot begin. On stdout is nothing but the protocol."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    try:
        line = Line(place(os.environ))
    except Trouble as trouble:
        sys.stderr.write(f"mqadmin mcp: {trouble.detail}\n")
        return 2
    try:
        from mqadmin.agents import serving
    except ModuleNotFoundError as error:
        sys.stderr.write(f"mqadmin mcp: {error.name} is not installed. Install the extra: mqadmin[mcp]\n")
        return 2
    with suppress(KeyboardInterrupt):
        serving.serve(Tools(line, acts=acts, only=tools.replace(" ", "").split(",")), acts=acts)
    return 0
