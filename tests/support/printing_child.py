"""Prints numbered lines in short bursts and rotates its output between them, as a consumer's reporter does.

Arguments: row id, lines in all, bytes that make a file full.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mqadmin.settings")

from consumers.supervisor.machine import output


def main(process_id: int, lines: int, full: int) -> None:
    output.FILE_MAX = full
    for number in range(lines):
        stream = sys.stderr if number % 2 else sys.stdout
        print(f"line {number} é", file=stream, flush=True)
        if number % 50 == 0:
            output.rotate(process_id)


main(*map(int, sys.argv[1:]))
