from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from consumers.supervisor.machine import output, spawn
from consumers.supervisor.machine.lock import AlreadySupervised, HostLock
from tests.support.processes import ROOT
from tests.support.waiting import patient, wait_until


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
        writer.write(line * (output.CUT_AT // 100 + 1) + b"newest\n")
        seen = output.since(1)
        output.bound({1})
        writer.write(b"later\n")
    sizes = [file.stat().st_size for file in output.folder().iterdir()]
    assert sum(sizes) < output.KEEP + 1000
    text = output.tail(1, lines=10_000) or ""
    assert text.startswith("x" * 99 + "\n")
    assert text.endswith("newest\nlater")
    assert seen is not None
    assert seen.text.endswith("newest\n")
    assert output.since(1, seen.position) == output.News("later\n", seen.position + 6, 0)


def test_a_process_that_rotates_loses_nothing_and_each_byte_keeps_its_position(tmp_path: Path) -> None:
    printed = "".join(f"line {number} é\n" for number in range(20_000)).encode()
    process = _printing(tmp_path, 20_000, full=30_000)
    position = looks = 0

    def read_on() -> bool:
        nonlocal position, looks
        news = output.since(7, position)
        if news is not None and news.position > position:
            assert news.text.encode() == printed[position + news.skipped : news.position]
            position, looks = news.position, looks + 1
        return position == len(printed)

    wait_until(read_on, 60, 0.001, what="all that was printed")
    assert looks > 1
    assert process.wait(patient(10)) == 0
    assert len(list(output.folder().iterdir())) == 2
    assert sum(file.stat().st_size for file in output.folder().iterdir()) < 100_000


def test_all_that_is_kept_as_a_stream(tmp_path: Path) -> None:
    assert output.stream(7) is None
    assert _printing(tmp_path, 5_000, full=30_000).wait(patient(60)) == 0
    chunks = output.stream(7)
    assert chunks is not None
    with output.path(7).open("a") as file:
        file.write("too late\n")
    kept = b"".join(chunks).decode().splitlines()
    assert kept[-1] == "line 4999 é"
    first = int(kept[0].split()[1])
    assert 0 < first < 4_000
    assert kept == [f"line {number} é" for number in range(first, 5_000)]


def test_what_is_new_leaves_an_unfinished_character_and_skips_what_is_too_much() -> None:
    assert output.since(1) is None
    output.path(1).write_bytes("one\ntwo é".encode()[:-1])
    news = output.since(1, 4)
    assert news == output.News("two ", 8, 0)
    output.path(1).write_bytes("one\ntwo é\n".encode())
    assert output.since(1, news.position) == output.News("é\n", 11, 0)
    output.path(1).write_bytes(b"0123456789\n" * 10_000)
    much = output.since(1, 11)
    assert much is not None
    assert much.text.startswith("0123456789\n")
    assert len(much.text) <= output.NEWS_MAX
    assert (much.position, much.skipped + len(much.text)) == (110_000, 110_000 - 11)
    output.path(1).write_bytes(b"anew\n")
    assert output.since(1, much.position) == output.News("anew\n", 5, 0)


def test_the_last_lines_are_few_and_short() -> None:
    assert output.last_lines(1) == ""
    output.path(1).write_text("".join(f"{number}\n" for number in range(200)))
    assert output.last_lines(1, 3) == "197\n198\n199"
    output.path(1).write_text("x" * 100_000 + "the end")
    assert output.last_lines(1).endswith("the end")
    assert len(output.last_lines(1)) == output.LAST_CHARS


def test_where_no_file_can_be_made_output_goes_nowhere(settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings.VAR_DIR = tmp_path / "file"
    descriptor = output.writer(1)
    assert os.path.samestat(os.fstat(descriptor), os.stat(os.devnull))
    os.close(descriptor)
    output.bound({1})


def test_all_files_together_stay_below_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "TOTAL_MAX", 100_000)
    for process_id, ago in ((1, 90), (2, 60), (3, 30), (4, 120)):
        output.path(process_id).write_bytes(b"0123456789\n" * 3_000)
        at = time.time() - ago
        os.utime(output.path(process_id), (at, at))
    output.bound({4})
    assert [output.path(process_id).exists() for process_id in (1, 2, 3, 4)] == [False, True, True, True]
    monkeypatch.setattr(output, "TOTAL_MAX", 40_000)
    output.bound({2, 3, 4})
    assert sum(file.stat().st_size for file in output.folder().iterdir()) <= 40_000
    for process_id in (2, 3, 4):
        assert (output.tail(process_id) or "").endswith("0123456789")


def _printing(var: Path, lines: int, *, full: int) -> subprocess.Popen[bytes]:
    """Start the process with the row id 7 that prints so many lines."""
    arguments = [sys.executable, "-m", "tests.support.printing_child", "7", str(lines), str(full)]
    descriptor = output.writer(7)
    environ = {**os.environ, "MQADMIN_VAR": str(var), "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        arguments, cwd=ROOT, env=environ, stdout=descriptor, stderr=subprocess.STDOUT, start_new_session=True
    )
    os.close(descriptor)
    return process


def test_of_a_line_without_an_end_the_newest_part_is_kept() -> None:
    """A dump of 100 MB in one line, say: a cut must not leave nothing at all."""
    with output.path(1).open("ab", buffering=0) as writer:
        writer.write(b"x" * (output.CUT_AT + 1) + b"the end")
        seen = output.since(1)
        output.bound({1})
        writer.write(b" of it")
    assert sum(file.stat().st_size for file in output.folder().iterdir()) <= output.KEEP + 10
    assert (output.tail(1) or "").endswith("xthe end of it")
    assert output.last_words(1) == "x" * 200, "the beginning of what is kept"
    assert seen is not None
    assert output.since(1, seen.position) == output.News(" of it", seen.position + 6, 0)


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


def test_who_killed_it_is_said_where_it_is_known() -> None:
    assert spawn.exit_words(-9, "outside") == "exit 137: killed from outside (SIGKILL)"
    assert spawn.exit_words(-9, "memory") == "exit 137: killed by the kernel, out of memory (SIGKILL)"


def test_one_lock_for_each_name() -> None:
    lock = HostLock("a/../b")
    with pytest.raises(AlreadySupervised, match=rf"pid {os.getpid()}"):
        HostLock("a/../b")
    HostLock("other").release()
    lock.release()
    HostLock("a/../b").release()
