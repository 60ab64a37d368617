"""A client of the Model Context Protocol, and the process `mqadmin mcp` that it talks to."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import mcp_types as types
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.support.processes import ROOT
from tests.support.waiting import wait_until


class Agent:
    """An agent's client: the library's own, used from outside of its loop. `errors`: what the server wrote."""

    def __init__(
        self, portal: BlockingPortal, program: StdioServerParameters, log: TextIO, mode: str
    ) -> None:
        self._portal = portal
        self._told: list[object] = []
        self.text = ""  # of the last answer
        self.errors = Path(log.name)
        self.client = Client(stdio_client(program, log), message_handler=self._hear, mode=mode)

    async def _hear(self, message: object) -> None:
        self._told.append(message)

    def wait_for_other_tools(self) -> None:
        """Wait until the client was told that there are other tools than those it listed."""
        kind = types.ToolListChangedNotification
        wait_until(lambda: any(isinstance(item, kind) for item in self._told), 10, what="it is told")

    def tools(self) -> dict[str, types.Tool]:
        """List the tools by name."""
        return {tool.name: tool for tool in self._portal.call(self.client.list_tools).tools}

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its structured result."""
        return self._call(name, arguments, is_error=False)

    def refused(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must fail; return its structured error."""
        return self._call(name, arguments, is_error=True)

    def _call(self, name: str, arguments: dict[str, Any], *, is_error: bool) -> dict[str, Any]:
        result = self._portal.call(self.client.call_tool, name, arguments)
        assert result.is_error is is_error, result.structured_content
        found: dict[str, Any] = result.structured_content
        assert isinstance(result.content[0], types.TextContent)
        self.text = result.content[0].text
        assert json.loads(self.text) == found
        return found


StartAgent = Callable[..., Agent]


@pytest.fixture
def start_agent(tmp_path: Path) -> Iterator[StartAgent]:
    """A function: token, options of `mqadmin mcp`, `port=` of an mqadmin, `mode=` -> an agent that talks to it."""
    with start_blocking_portal() as portal, ExitStack() as held, (tmp_path / "stderr").open("w") as log:

        def start(token: str, *words: str, port: int, mode: str = "auto") -> Agent:
            # No settings, no database, no folder for data: only what the command itself asks for.
            url = f"http://127.0.0.1:{port}"
            environ = {"MQADMIN_URL": url, "MQADMIN_TOKEN": token, "MQADMIN_VAR": "/nowhere"}
            program = StdioServerParameters(
                command=sys.executable, args=["-m", "mqadmin", "mcp", *words], env=environ, cwd=ROOT
            )
            agent = Agent(portal, program, log, mode)
            held.enter_context(portal.wrap_async_context_manager(agent.client))
            return agent

        yield start
