"""A step of `make up`: silent when it succeeds; when not, its last lines and what helps."""

from __future__ import annotations

import sys

import pytest

from mqadmin.local import steps
from mqadmin.local.trouble import Trouble, report


def python(code: str) -> str:
    return steps.run("Trying it", [sys.executable, "-c", code])


def test_what_a_step_says_is_returned_and_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        python("import sys; print('one'); print('WARNING: noise', file=sys.stderr)") == "one\nWARNING: noise"
    )
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; print('much'); sys.exit('mqadmin: the reason. A hint.')", "the reason. A hint."),
        ("import sys; sys.exit('CommandError: the reason.')", "the reason."),
        ("raise SystemExit(3)", "Trying it did not succeed: it ended with code 3, without a word."),
        (
            "import os; os.kill(os.getpid(), 9)",
            "Trying it did not succeed: it was ended by signal 9, without a word.",
        ),
        (
            "print(*range(9), sep='\\n'); raise SystemExit('E: No space left on device')",
            "Trying it did not succeed: it ended with code 1. Its last lines:\n  4\n  5\n  6\n  7\n  8\n"
            "  E: No space left on device\nThe disk is full: make room, then run it again.",
        ),
    ],
)
def test_what_is_said_of_one_that_fails(code: str, words: str) -> None:
    with pytest.raises(Trouble) as caught:
        python(code)
    assert str(caught.value) == words


def test_a_disk_that_is_full_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> None:
        with open("/dev/full", "w", buffering=1) as full:
            full.write("x\n")

    with pytest.raises(SystemExit) as caught:
        report(main)
    assert caught.value.code == 1
    assert "No space left on device. Make room" in capsys.readouterr().err


def several(code: str) -> str:
    command = f"mark = {steps.MARK!r}\n{code}"
    return steps.run_several("Setting up", [sys.executable, "-c", command])


def test_several_steps_of_one_process() -> None:
    assert several("print(mark + 'One'); print(mark + 'Two')") == ""
    assert several("print(mark + 'One'); print('look here'); print(mark + 'Two')") == "look here"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(2)", "Setting up did not succeed: it ended with code 2, without a word."),
        (
            "print(mark + 'One'); print('past'); print(mark + 'Two', flush=True); raise SystemExit('why')",
            "Two did not succeed: it ended with code 1. Its last lines:\n  why",
        ),
        ("print(mark + 'One', flush=True); raise SystemExit('CommandError: the reason.')", "the reason."),
    ],
)
def test_of_several_the_one_that_fails_is_told_of(code: str, words: str) -> None:
    with pytest.raises(Trouble) as caught:
        several(code)
    assert str(caught.value) == words
