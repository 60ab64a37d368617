"""Browsers that look at the list of queues, each of somebody else: what they ask, and how long they wait."""

from __future__ import annotations

import asyncio
import gzip
import re
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.common import BenchmarkError

EVERY_S = 5.0
# What htmx sends when the table asks for itself again.
TABLE = {"HX-Request": "true", "HX-Source": "div#queues-table"}
FRAME = {"HX-Request": "true", "HX-Source": "nav#nav", "Accept-Encoding": "gzip"}
ROW = re.compile(r'<tr id="([\w-]+)" data-row="(\w+)".*?</tr>', re.DOTALL)
STUB = re.compile(r'<tr id="([\w-]+)" data-same></tr>')


def signed_in(user: Any) -> str:
    """Return the cookies of somebody who has just signed in."""
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return "; ".join(f"{name}={item.value}" for name, item in client.cookies.items())


def watchers(count: int) -> list[str]:
    """Return the cookies of so many signed-in people of the role viewer: each has an account and a session."""
    from django.contrib.auth.models import Group, User

    group = Group.objects.get(name="viewer")
    people = User.objects.bulk_create(User(username=f"viewer-{number}") for number in range(count))
    group.user_set.add(*people)
    return [signed_in(user) for user in people]


async def _viewers(port: int, cookies: Sequence[str], seconds: float) -> list[float]:
    queries = ["sort=name", "", "sort=-ready", "show=idle", "sort=-publish_rate"]
    times: list[float] = []
    end = time.monotonic() + seconds

    async def ask(path: str, cookie: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Cookie: {cookie}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        while more := await reader.read():
            answer += more
        writer.close()
        times.append((time.perf_counter() - began) * 1000)
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        found = dict(line.split(": ", 1) for line in rest)
        return int(first.split()[1]), found, body

    async def viewer(number: int, cookie: str) -> None:
        await asyncio.sleep(number / len(cookies) * EVERY_S)
        path = f"/queues/?per=100&{queries[number % len(queries)]}"
        html, etag, frame = "", "", ""
        while time.monotonic() < end:
            began = time.monotonic()
            rows = ",".join(f"{found[1]}={found[2]}" for found in ROW.finditer(html))
            headers = {**TABLE, "Accept-Encoding": "gzip", "If-None-Match": etag, "MQ-Rows": rows}
            given = {name: value for name, value in headers.items() if value}
            status, found, body = await ask(path, cookie, given)
            if status not in (200, 304):
                raise BenchmarkError(f"{path}: {status}")
            if status == 200:
                had = {row[1]: row[0] for row in ROW.finditer(html)}
                html = STUB.sub(lambda row, had=had: had[row[1]], gzip.decompress(body).decode())
                etag = found.get("ETag", "")
            headers = {**FRAME, "If-None-Match": frame or '"none"'}
            status, found, _body = await ask("/live/?at=queues", cookie, headers)
            frame = found.get("ETag", "")
            await asyncio.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))

    await asyncio.gather(*(viewer(number, cookie) for number, cookie in enumerate(cookies)))
    return times


def viewers(port: int, cookies: Sequence[str], seconds: float) -> list[float]:
    """Return the milliseconds of each answer to people with these cookies."""
    return asyncio.run(_viewers(port, cookies, seconds))
