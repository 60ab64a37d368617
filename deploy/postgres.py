"""A PostgreSQL for one test run: its own cluster on a free port of the loopback, thrown away afterwards.

    python3 -m deploy.postgres start FOLDER    prints DATABASE_URL for a shell to evaluate
    python3 -m deploy.postgres stop FOLDER

PostgreSQL refuses to run as root: then it runs as `postgres`, who becomes the folder's owner.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

from deploy import packages
from mqadmin.local import ports
from mqadmin.local.trouble import Trouble, report

_USER = "mqadmin"


def main() -> None:
    """Start or stop the cluster of the folder on the command line."""
    match sys.argv[1:]:
        case ["start", folder]:
            start(Path(folder).resolve())
        case ["stop", folder]:
            stop(Path(folder).resolve())
        case _:
            raise Trouble("Say start or stop, and a folder.")


def start(folder: Path) -> None:
    """Create a cluster in `folder`, start it, print its address."""
    if _programs() is None:
        packages.install("postgresql", told=sys.stderr)
    folder.mkdir(parents=True, exist_ok=True)
    password, port = secrets.token_hex(16), ports.pick()
    (folder / "password").write_text(password)
    if os.geteuid() == 0:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    pwfile = f"--pwfile={folder / 'password'}"
    _run("initdb", "-D", f"{folder}/data", "-U", _USER, "-A", "scram-sha-256", pwfile, "-E", "UTF8", "-N")
    # A power cut during a test run may cost its database.
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    _run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", settings, "start")
    print(f"export DATABASE_URL=postgres://{_USER}:{password}@127.0.0.1:{port}/postgres")


def stop(folder: Path) -> None:
    """Stop the cluster, if it runs, and remove the folder."""
    if (folder / "data" / "postmaster.pid").exists():
        _run("pg_ctl", "-D", f"{folder}/data", "-w", "-m", "fast", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    """Return the folder of the newest installed PostgreSQL server."""
    found = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return max((path.parent for path in found), key=lambda path: float(path.parent.name), default=None)


def _run(program: str, *arguments: str) -> None:
    programs = _programs()
    if programs is None:
        raise Trouble(f"PostgreSQL is not installed: {packages.command('postgresql')}")
    drop_root = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    # The server inherits what it is given: a pipe would keep whoever reads our output waiting for it.
    result = subprocess.run(
        [*drop_root, str(programs / program), *arguments],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
        check=False,
    )
    if result.returncode:
        raise Trouble(f"{program} did not succeed: the lines above say why.")


if __name__ == "__main__":
    report(main)
