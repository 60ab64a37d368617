"""Is a port free, who holds it, and which one may be used."""

from __future__ import annotations

import errno
import os
import random
import socket
from pathlib import Path

from mqadmin import place
from mqadmin.local.trouble import Trouble

# Below Linux's range for outgoing connections: nobody is handed the port between choosing and binding it.
_PICK_FROM = range(20_000, 32_000)
# "3/8" picks from the fourth eighth only: a port that is free for a moment, between stop and start, is not taken by
# another who does the same.
SHARE_VARIABLE = "MQADMIN_PICK_SHARE"
_picked: set[int] = set()  # by this process


def check_free(host: str, port: int, variable: str, purpose: str) -> None:
    """Raise Trouble unless `port` is free; the text names `variable` and, where known, the holder."""
    try:
        _bind(host, port)
    except PermissionError:
        raise Trouble(
            f"Port {port} ({purpose}) may only be opened by root. "
            f"Choose one above 1023: {place.UP} {variable}={port + 8000}"
        ) from None
    except socket.gaierror:
        raise Trouble(f"HOST={host} is not an address of this machine.") from None
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise Trouble(f"HOST={host} is not an address of this machine.") from None
        if error.errno != errno.EADDRINUSE:
            raise
        raise Trouble(
            f"Port {port} ({purpose}) is taken by {holder(port) or 'another program'}. "
            f"Stop that, or choose another port: {place.UP} {variable}={next_free(host, port)}"
        ) from None


def next_free(host: str, port: int) -> int:
    """Return the first port above `port` that is free on `host`."""
    for candidate in range(port + 1, min(port + 200, 65536)):
        if is_free(host, candidate):
            return candidate
    return pick()


def pick(host: str = "127.0.0.1") -> int:
    """Return a port that is free now, each time another. Raises Trouble when none is found."""
    share = _share()
    if len(_picked) > len(share) // 2:
        _picked.clear()
    for candidate in random.sample(share, 200):
        # One that was picked may be bound later only: of ten a node had two the same.
        if candidate not in _picked and is_free(host, candidate):
            _picked.add(candidate)
            return candidate
    raise Trouble("No free port was found between 20000 and 32000.")


def _share() -> range:
    number, _, parts = os.environ.get(SHARE_VARIABLE, "0/1").partition("/")
    size = len(_PICK_FROM) // int(parts)
    return _PICK_FROM[int(number) * size : (int(number) + 1) * size]


def holder(port: int) -> str | None:
    """Return "name (process N)" of who listens on `port`, or None where the system does not tell."""
    inodes = _listening_inodes(port)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) in inodes:
                process = link.parent.parent
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:  # closed meanwhile
            continue
    return None


def _listening_inodes(port: int) -> set[str]:
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in map(str.split, lines):
            listening = fields[3] == "0A"
            if listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def is_free(host: str, port: int) -> bool:
    """Whether `port` can be listened on now."""
    try:
        _bind(host, port)
    except OSError:
        return False
    return True


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections in TIME_WAIT do no harm
        probe.bind(address)
        probe.listen(1)
