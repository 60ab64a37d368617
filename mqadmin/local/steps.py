"""One step of `make up`: a line that says what is done, and nothing else unless it fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from mqadmin.local.trouble import Trouble

MARK = "\x1e"  # begins a line that says what the next step is for
_LAST = 6  # lines of what failed
# What the programs that are started here say for it, and what helps. The first that is found counts.
_HINTS = (
    ("No space left on device", "The disk is full: make room, then run it again."),
    ("not enough free space", "The disk is full: make room, then run it again."),
    ("Read-only file system", "This folder cannot be written to: copy mqadmin to one that can."),
    ("Permission denied", "This user may not write there: was an earlier run another user's, as with sudo?"),
    ("Temporary failure resolving", "The network is not reached: is there a proxy to be set (http_proxy)?"),
    ("NewConnectionError", "PyPI is not reached: set HTTPS_PROXY, or PIP_INDEX_URL for a mirror of yours."),
    ("ConnectTimeoutError", "PyPI is not reached: set HTTPS_PROXY, or PIP_INDEX_URL for a mirror of yours."),
    ("No matching distribution", "The package index lacks it, or has none for this Python or machine."),
)


def say(text: str) -> None:
    """Print a line for the person who waits."""
    print(text, flush=True)


def run(what: str, command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None) -> str:
    """Run a command in silence, in a session of its own; return what it said. Raises Trouble with its last lines.

    `what` it is for, as a sentence begins with it. Ctrl-C ends it too.
    """
    code, said = _run(command, environ)
    if code:
        raise Trouble(failure(what, code, said))
    return said.strip()


def run_several(what: str, command: Sequence[str | Path], *, environ: Mapping[str, str] | None = None) -> str:
    """Run a command of several steps, each of which it begins with a line of MARK and what that is for.

    As `run`; what is told of a failure is that of the step alone in which it happened.
    """
    code, said = _run(command, environ)
    parts = [(what, said.partition(MARK)[0])]
    parts += [(name, text) for name, _end, text in (part.partition("\n") for part in said.split(MARK)[1:])]
    if code:
        name, text = parts[-1]
        raise Trouble(failure(name, code, text))
    return "\n".join(text.strip() for _name, text in parts if text.strip())


def _run(command: Sequence[str | Path], environ: Mapping[str, str] | None) -> tuple[int, str]:
    child = subprocess.Popen(
        [*map(str, command)],
        env=dict(os.environ if environ is None else environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = child.communicate()
    except BaseException:
        child.kill()
        child.wait()
        raise
    return child.returncode, said


def failure(what: str, code: int, said: str) -> str:
    """Return in words that a step failed: in a line where the command said it in one of ours."""
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    for prefix in ("mqadmin: ", "CommandError: "):
        if last.startswith(prefix):
            return last.removeprefix(prefix)
    how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
    hint = next((f"\n{hint}" for sign, hint in _HINTS if sign.lower() in said.lower()), "")
    if not lines:
        return f"{what} did not succeed: it {how}, without a word.{hint}"
    words = "\n".join(f"  {line[:300]}" for line in lines[-_LAST:])
    return f"{what} did not succeed: it {how}. Its last lines:\n{words}{hint}"
