from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from consumers.supervisor import output, spawn
from consumers.supervisor.lock import AlreadySupervised, HostLock


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.VAR_DIR = tmp_path
    output.folder().mkdir()
    return output.folder()


def test_tail_of_what_was_printed() -> None:
    output.path(1).write_bytes(b"one\ntwo \xff\nthree\n")
    assert output.tail(1, lines=2) == "two \ufffd\nthree"
    assert output.last_words(1) == "three"
    assert output.tail(2) is None
    assert output.last_words(2) == ""
    output.path(3).write_text(
        "2026-11-21 05:39:48,310 INFO mqadmin.consumer connected: Connected to mq:5672.\n"
    )
    assert output.last_words(3) == "", "that is not why it died a second later"
    output.path(3).write_text("2026-11-21 05:39:48,310 ERROR shop out of stock\n")
    assert output.last_words(3).endswith("ERROR shop out of stock")


def test_a_big_file_is_cut_to_its_newest_lines_while_its_writer_goes_on() -> None:
    line = b"x" * 99 + b"\n"
    with output.path(1).open("ab", buffering=0) as writer:
        writer.write(line * (output.FILE_MAX // 100 + 1) + b"newest\n")
        output.bound({1})
        writer.write(b"later\n")
    size = output.path(1).stat().st_size
    assert size < output.KEEP + 1000
    text = output.path(1).read_text()
    assert text.startswith("[earlier output was cut]\n" + "x" * 99 + "\n")
    assert text.endswith("newest\nlater\n")


def test_old_files_go_but_not_those_of_live_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = time.time() - output.AGE_MAX_S - 60
    for process_id in (1, 2, 3):
        output.path(process_id).write_text("x")
    for process_id in (1, 2):
        os.utime(output.path(process_id), (long_ago, long_ago))
    output.bound({2})
    assert {file.name for file in folder.iterdir()} == {"2.out", "3.out"}

    monkeypatch.setattr(output, "FILES_MAX", 1)
    output.bound(set())
    assert {file.name for file in folder.iterdir()} == {"3.out"}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "stopped as asked"),
        (3, "exit 3: it cannot run as it is configured"),
        (1, "exit 1: it crashed"),
        (-9, "exit 137: killed (SIGKILL), perhaps out of memory"),
        (137, "exit 137: killed (SIGKILL), perhaps out of memory"),
        (-11, "exit 139: crashed in native code (SIGSEGV)"),
        (-15, "exit 143: terminated (SIGTERM) from outside"),
        (-10, "exit 138: ended by a signal (SIGUSR1)"),
        (255, "exit 255: it crashed"),
    ],
)
def test_how_it_ended_in_words(code: int, words: str) -> None:
    assert spawn.exit_words(code) == words


def test_one_lock_for_each_name() -> None:
    lock = HostLock("a/../b")
    with pytest.raises(AlreadySupervised, match=rf"pid {os.getpid()}"):
        HostLock("a/../b")
    HostLock("other").release()
    lock.release()
    HostLock("a/../b").release()
