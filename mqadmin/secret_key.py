"""The secret key: the one that is given, or one that is made once and kept in a file only its owner can read.

Whoever knows it can sign in as anybody. One that stands in an example, or that can be guessed, is refused: a
process that has no other ends in one line.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from mqadmin.given import Unusable, is_placeholder

SHORTEST = 20  # characters: half of 128 bits in hexadecimal would be less
_KNOWN = ("django-insecure-", "only-for-this-step")
_MAKE = "python3 -c 'import secrets; print(secrets.token_urlsafe(50))'"


def secret_key(environ: Mapping[str, str], path: Path) -> str:
    """Return the key of SECRET_KEY, else that of the file. Raises Unusable."""
    given = environ.get("SECRET_KEY", "").strip()
    why = _why_not(given) if given else ""
    if why:
        raise Unusable(f"SECRET_KEY {why}. Make one of your own, the same for all processes: {_MAKE}")
    return given or _stored(path)


def _why_not(key: str) -> str:
    lowered = key.lower()
    if is_placeholder(key) or any(word in lowered for word in _KNOWN):
        return "is that of an example, which everybody knows"
    if len(key) < SHORTEST or len(set(key)) < 5:
        return f"can be guessed: it needs {SHORTEST} characters or more, by chance"
    return ""


def _stored(path: Path) -> str:
    try:
        key = load_or_create(path)
    except OSError as error:
        why = f"{error.strerror}: {error.filename or path}"
        raise Unusable(
            f"the secret key cannot be read or made ({why}). Set MQADMIN_VAR, or its owner."
        ) from None
    if not key:
        raise Unusable(f"{path} is empty. Delete it: a new key is made, and everybody signs in again.")
    return key


def load_or_create(path: Path) -> str:
    """Return the key stored at `path`, making it (mode 0600) on first use; safe against two starting at once."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(secrets.token_urlsafe(50))
    try:
        os.link(draft, path)  # fails when another process was first: its key then counts
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text().strip()
