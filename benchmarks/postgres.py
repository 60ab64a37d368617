"""A PostgreSQL for one benchmark that keeps its promises, every commit is on the disk, with room to cache."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.common import BenchmarkError
from deploy import ROOT

SHARED_BUFFERS = "2GB"  # its default, 128 MB, is for a server that shares a small machine


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a cluster of our own in `folder` and yield its DATABASE_URL; stop and remove it at the end."""
    try:
        said = _deploy("start", folder)
        url = said.strip().splitlines()[-1].partition("DATABASE_URL=")[2]
        _sync(folder, urlsplit(url).port or 0)
        yield url
    finally:
        _deploy("stop", folder)


def _deploy(act: str, folder: Path) -> str:
    command = [sys.executable, "-m", "deploy.postgres", act, str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"PostgreSQL: {act} did not succeed.")
    return done.stdout


def _sync(folder: Path, port: int) -> None:
    """Start the cluster again with fsync on: deploy.postgres runs tests, which need no durable commits."""
    server = (folder / "data" / "postmaster.opts").read_text().split()[0]
    settings = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} "
        f"-c fsync=on -c shared_buffers={SHARED_BUFFERS}"
    )
    control = [str(Path(server).with_name("pg_ctl")), "-D", f"{folder}/data", "-l", f"{folder}/log", "-w"]
    drop_root = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(
        [*drop_root, *control, "-m", "fast", "-o", settings, "restart"],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )
