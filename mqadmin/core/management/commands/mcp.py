"""`manage.py mcp`: the same as `mqadmin mcp`, which loads no settings."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from mqadmin.agents import asked


class Command(BaseCommand):
    """Serve the JSON API to an agent."""

    help = asked.WORDS
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        asked.options(parser)

    def handle(self, *_args: Any, acts: bool, tools: str, **_options: Any) -> None:
        code = asked.serve(acts=acts, tools=tools)
        if code:
            raise SystemExit(code)
