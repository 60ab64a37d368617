"""R17: a batch consumer. N messages become N lines of a file with one write and one fsync.

What costs is the fsync, not the line: a batch of 100 is about as dear as one message. The consumer says how
large a batch is and how long it waits to become full.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consumers.handlers.options import OptionsError
from consumers.handlers.registry import Place, handler, option
from consumers.runtime.api import Reject
from mqadmin.rabbit.reading import jsontext

if TYPE_CHECKING:
    from consumers.runtime.api import Delivery

_LINE = jsontext.Style(", ", ": ", ascii=True)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Options:
    """Where to."""

    name: str = option(
        "documents",
        label=gettext_lazy("File"),
        help=gettext_lazy("Lines go to “batches/NAME-DAY.jsonl” in mqadmin's folder for data."),
        required=True,
    )


@dataclass(frozen=True)
class Target:
    """The options ready for use."""

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The file of today (UTC): old ones can be moved away without asking anyone."""
        return self.folder / f"{self.name}-{datetime.now(UTC):%Y-%m-%d}.jsonl"


def check(options: Options) -> None:
    """Raise OptionsError for a name that would lead elsewhere."""
    if not _NAME.fullmatch(options.name):
        raise OptionsError({"name": _("Letters, digits, “-” and “_”, at most 60.")})


def prepare(options: Options, place: Place) -> Target:  # noqa: ARG001
    """Make the folder. Raises OptionsError where that cannot be."""
    folder = Path(settings.VAR_DIR) / "batches"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionsError({"": f"{folder}: {error.strerror}"}) from error
    return Target(folder, options.name)


@handler(
    "batches.append",
    title=gettext_lazy("Append to a file"),
    description=gettext_lazy(
        "JSON documents in batches: each becomes a line, each batch one write to the disk. "
        "What is not JSON is rejected, alone."
    ),
    options=Options,
    check=check,
    prepare=prepare,
    batch=True,
)
def append(messages: list[Delivery], options: Target) -> Sequence[Exception | None]:
    """Append the documents, all or none, and return a result for each message. Raises OSError."""
    results: list[Exception | None] = []
    lines = []
    for message in messages:
        try:
            # Not `message.json()`: written again, that has lost digits and doubled keys.
            document = jsontext.exact(message.body, table=jsontext.pairs, is_lax=True)
            line = jsontext.written({"message_id": message.message_id, "document": document}, _LINE)
        except (ValueError, RecursionError) as error:
            results.append(Reject(f"the body is not JSON: {error}"))
            continue
        lines.append(line)
        results.append(None)
        message.log.info("line %d of a batch of %d", len(lines), len(messages))
    if lines:
        _append(options.path, ("\n".join(lines) + "\n").encode())
    return results


def _append(path: Path, data: bytes) -> None:
    """Append `data` so that it is on the disk, or leave the file as it was. Raises OSError.

    Several threads and processes may do so at once.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        before = os.fstat(descriptor).st_size
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before)
            raise
    finally:
        os.close(descriptor)
