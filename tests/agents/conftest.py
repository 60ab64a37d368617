"""A client of the Model Context Protocol, and the process `mqadmin mcp` that it talks to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.processes import ROOT


class Agent:
    """An agent's client: the library's own, used from outside of its loop."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self.client = client

    def tools(self) -> dict[str, types.Tool]:
        """List the tools by name."""
        return {tool.name: tool for tool in self._portal.call(self.client.list_tools).tools}

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its structured result."""
        result = self._portal.call(self.client.call_tool, name, arguments)
        assert not result.is_error, result.structured_content
        found: dict[str, Any] = result.structured_content
        return found

    def refused(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must fail; return its structured error."""
        result = self._portal.call(self.client.call_tool, name, arguments)
        assert result.is_error, result.structured_content
        found: dict[str, Any] = result.structured_content
        return found


StartAgent = Callable[..., Agent]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """A function: the token, `url=` and options of `mqadmin mcp` -> an agent that talks to it."""
    with start_blocking_portal() as portal, ExitStack() as held, (tmp_path / "stderr").open("w") as errors:

        def start(token: str, *words: str, url: str) -> Agent:
            # No settings, no database, no folder for data: only what the command itself asks for.
            environ = {"MQADMIN_URL": url, "MQADMIN_TOKEN": token, "MQADMIN_VAR": "/nowhere"}
            program = StdioServerParameters(
                command=sys.executable, args=["-m", "mqadmin", "mcp", *words], env=environ, cwd=ROOT
            )
            client = Client(stdio_client(program, errors))
            held.enter_context(portal.wrap_async_context_manager(client))
            return Agent(portal, client)

        yield start
