"""The web process as the Procfile starts it: what only a real server shows."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest

from deploy import ROOT
from mqadmin.local import processes
from tests.support.waiting import wait_until

pytestmark = pytest.mark.processes


@pytest.fixture
def web(process_environ: dict[str, str], tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Where the Procfile's web process answers, and the pid of gunicorn's own process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    lines = (ROOT / "Procfile").read_text().splitlines()
    command = next(line for line in lines if line.startswith("web: ")).removeprefix("web: ")
    environ = {
        **process_environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BIND": bind,
        "WEB_WORKERS": "1",
        "MQADMIN_VAR": str(tmp_path),
        processes.RUN_VARIABLE: tmp_path.name,
    }
    child = subprocess.Popen(["sh", "-c", f"exec {command}"], cwd=ROOT, env=environ, start_new_session=True)
    try:
        wait_until(lambda: answer(f"http://{bind}/healthz")[0] == 200, 60, what="the web process answers")
        yield f"http://{bind}", child.pid
    finally:
        processes.end_run(tmp_path.name, patience=0)
        child.wait()


@pytest.fixture
def address(web: tuple[str, int]) -> str:
    return web[0]


def answer(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def test_the_longest_search_is_taken_and_bodies_in_chunks_are_not_left_out(address: str) -> None:
    """In one test: to start the server takes longer."""
    query = urlencode({"broker": "default", "source": "s" * 255, "q": "🐇" * 500})  # 12 characters each
    status, body = answer(f"{address}/api/v1/dead-letters?{query}")
    assert (status, json.loads(body)["code"]) == (401, "unauthorized")
    for path in ("queues/1/purge", "dead-letters/import", "consumers/orders/kill"):
        assert in_chunks(address, path) == (411, "length_required"), path


def in_chunks(address: str, path: str) -> tuple[int, str]:
    """Send a body in chunks to a call; return the status and the code of the answer."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    with closing(connection):
        chunks = (part for part in (b'{"expect":', b" 5}"))
        connection.request(
            "POST", f"/api/v1/{path}", chunks, {"Content-Type": "application/json"}, encode_chunked=True
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["code"]


def test_what_serves_is_forked_from_a_process_without_threads_and_connections(web: tuple[str, int]) -> None:
    """One that ended is replaced, and what was loaded once is there for both."""
    address, pid = web
    parent = psutil.Process(pid)
    (first,) = parent.children()
    assert parent.num_threads() == 1
    assert not [item.path for item in parent.open_files() if ".sqlite3" in item.path]
    assert [item for item in parent.net_connections() if item.status != psutil.CONN_LISTEN] == []
    first.kill()
    wait_until(lambda: [item.pid for item in parent.children()] not in ([], [first.pid]), 20)
    wait_until(lambda: answer(f"{address}/healthz")[0] == 200, 20)
    (second,) = parent.children()
    assert second.memory_full_info().uss < 0.5 * second.memory_info().rss, "most of it is shared"
