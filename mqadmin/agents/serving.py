"""The tools over stdio, as the Model Context Protocol has them."""

from __future__ import annotations

import json
from typing import Any

import anyio
import anyio.to_thread
import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import NotificationOptions, Server
from mcp.server.stdio import stdio_server

from mqadmin import __version__
from mqadmin.agents import bounded, wording
from mqadmin.agents.asking import Trouble
from mqadmin.agents.described import Call
from mqadmin.agents.tools import STATUS, Tools

Context = ServerRequestContext[Any]


def serve(tools: Tools, *, acts: bool) -> None:
    """Serve until the client closes stdin."""
    anyio.run(_serve, _server(tools, acts=acts))


async def _serve(server: Server[Any]) -> None:
    options = server.create_initialization_options(NotificationOptions(tools_changed=True))
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, options)


def _server(tools: Tools, *, acts: bool) -> Server[Any]:
    async def on_list(_ctx: Context, _params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        calls = await anyio.to_thread.run_sync(tools.offered)
        return types.ListToolsResult(tools=[_status_tool(), *map(_tool, calls)])

    async def on_call(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        result = await anyio.to_thread.run_sync(_use, tools, params.name, params.arguments or {})
        if tools.is_changed():
            await ctx.session.send_tool_list_changed()
        return result

    return Server(
        "mqadmin",
        version=__version__,
        title="mqadmin",
        instructions=wording.INSTRUCTIONS + (wording.ACTS if acts else wording.NO_ACTS),
        on_list_tools=on_list,
        on_call_tool=on_call,
    )


def _use(tools: Tools, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    try:
        return _result(tools.call(name, arguments))
    except Trouble as trouble:
        said, _cuts = bounded.fit({**trouble.more, "detail": trouble.detail, "code": trouble.code})
        return _result(said, is_error=True)


def _result(said: dict[str, Any], *, is_error: bool = False) -> types.CallToolResult:
    content: list[types.ContentBlock] = [types.TextContent(type="text", text=_shown(said))]
    return types.CallToolResult(content=content, structured_content=said, is_error=is_error)


def _shown(said: dict[str, Any]) -> str:
    """Return the JSON with what has no shape, or turns text around, as an escape: nothing hides in it."""
    text = json.dumps(said, ensure_ascii=False)
    return (
        text
        if text.isprintable()
        else "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)
    )


def _tool(call: Call) -> types.Tool:
    return types.Tool(
        name=call.name,
        description=wording.description(call),
        input_schema=dict(call.schema),
        annotations=types.ToolAnnotations(
            read_only_hint=not call.is_act,
            destructive_hint=call.is_act,
            idempotent_hint=call.method in ("GET", "PUT", "DELETE"),
            open_world_hint=False,
        ),
    )


def _status_tool() -> types.Tool:
    return types.Tool(
        name=STATUS,
        description=wording.STATUS,
        input_schema={"type": "object", "properties": {}, "additionalProperties": False},
        annotations=types.ToolAnnotations(read_only_hint=True, open_world_hint=False),
    )
