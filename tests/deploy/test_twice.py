"""Tests run twice: what passes alone is flaky and named, what fails again fails the run, and so does all else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy import twice
from tests.support.processes import ROOT

pytestmark = pytest.mark.processes

# `once(name)` is true at its first call in any process, and false from then on.
CONFTEST = """
import os, pathlib, pytest

def once(name):
    path = pathlib.Path(__file__).with_name(f"{name}.once")
    if path.exists():
        return False
    path.touch()
    return True
"""
WORKERS = ["-n", "2", "test_it.py"]
ODD = "a b::c[d] 'e' \"f\" $HOME `g` é \\ * -k"


@dataclass(frozen=True)
class Run:
    """How a run ended: exit code, what it printed, the lines of the file of flaky names."""

    code: int
    output: str
    flaky: list[str]

    @property
    def closing(self) -> list[str]:
        """pytest's closing lines, without their times."""
        found = [line.strip("= ") for line in self.output.splitlines()]
        return [line.partition(" in ")[0] for line in found if line.endswith("s") and " in " in line]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Run]:
    """Run a module of tests twice in a folder of its own, without workers unless told otherwise."""

    def start(module: str, *arguments: str) -> Run:
        (tmp_path / "conftest.py").write_text(CONFTEST)
        module = "import os, pytest\nfrom conftest import once\n" + module
        (tmp_path / "test_it.py").write_text(module)
        notes = tmp_path / "flaky"
        environ = {
            key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "DJANGO"))
        }
        environ |= {"PYTHONPATH": str(ROOT), twice.FLAKY_VARIABLE: str(notes)}
        environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}  # quick to start
        command = [sys.executable, "-m", "deploy.twice", *(arguments or ["-n", "0", "test_it.py"])]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        names = notes.read_text().splitlines() if notes.exists() else []
        return Run(done.returncode, done.stdout.decode(), names)

    return start


def test_what_passes_runs_once(run: Callable[..., Run]) -> None:
    done = run("def test_fine(): assert once('fine')\ndef test_other(): pytest.skip()")
    assert (done.code, done.flaky, done.closing) == (0, [], ["1 passed, 1 skipped"])


def test_what_passes_alone_is_flaky_and_named(run: Callable[..., Run]) -> None:
    done = run("def test_moody(): assert not once('moody')\ndef test_fine(): assert once('fine')")
    assert (done.code, done.flaky) == (0, ["test_it.py::test_moody"])
    assert done.closing == ["1 failed, 1 passed", "1 passed"]
    assert done.output.splitlines()[-1] == "flaky: test_it.py::test_moody"


def test_what_fails_again_fails_the_run(run: Callable[..., Run]) -> None:
    done = run("def test_wrong(): assert False\ndef test_moody(): assert not once('moody')")
    assert (done.code, done.flaky) == (1, ["test_it.py::test_moody"])
    assert done.closing == ["2 failed", "1 failed, 1 passed"]
    assert done.output.splitlines()[-2:] == [
        "flaky: test_it.py::test_moody",
        "failed twice: test_it.py::test_wrong",
    ]


def test_a_fixture_that_fails_before_or_after_a_test(run: Callable[..., Run]) -> None:
    done = run(
        "@pytest.fixture\n"
        "def before(): assert not once('before')\n"
        "@pytest.fixture\n"
        "def after():\n yield\n assert not once('after')\n"
        "def test_before(before): pass\n"
        "def test_after(after): pass\n"
    )
    assert (done.code, sorted(done.flaky)) == (0, ["test_it.py::test_after", "test_it.py::test_before"])


def test_a_fixture_that_fails_each_time(run: Callable[..., Run]) -> None:
    done = run("@pytest.fixture\ndef bad():\n yield\n assert False\ndef test_bad(bad): pass")
    assert (done.code, done.flaky) == (1, [])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_any_name_is_found_again(run: Callable[..., Run], workers: str) -> None:
    values = [ODD, "-x", "", "tab\tand\nline", "@file"]
    module = (
        f"@pytest.mark.parametrize('value', {values!r})\ndef test_odd(value): assert not once(len(value))"
    )
    done = run(module, "-n", workers, "-k", "test_odd", "test_it.py")
    assert (done.code, len(done.flaky)) == (0, len(values)), done.output


def test_a_worker_that_dies(run: Callable[..., Run]) -> None:
    others = "".join(f"def test_{number}(): pass\n" for number in range(6))
    deadly = "def test_deadly():\n if once('deadly'): os._exit(3)\n"
    done = run(others + deadly + others.replace("test_", "test_z"), *WORKERS)
    assert (done.code, done.flaky) == (0, ["test_it.py::test_deadly"])


def test_a_test_that_ends_even_the_second_run(run: Callable[..., Run]) -> None:
    done = run("def test_deadly(): os._exit(0)\ndef test_moody(): assert not once('moody')", *WORKERS)
    assert (done.code, done.flaky) == (1, []), "without an account of the second run nothing is known to pass"


def test_one_that_is_skipped_then_has_not_passed(run: Callable[..., Run]) -> None:
    done = run("def test_evading():\n assert not once('evading')\n pytest.skip()")
    assert (done.code, done.flaky) == (1, [])


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_module_that_cannot_be_collected_fails_the_run(run: Callable[..., Run], workers: str) -> None:
    done = run("def test_fine(): pass\nassert not once('collected')", "-n", workers, "test_it.py")
    assert done.code != 0
    assert done.flaky == []
    assert "Once more" not in done.output


def test_workers_that_collect_different_tests_fail_the_run(run: Callable[..., Run]) -> None:
    done = run("@pytest.mark.parametrize('pid', [os.getpid()])\ndef test_mine(pid): pass", *WORKERS)
    assert done.code != 0
    assert "Once more" not in done.output


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_fails(run: Callable[..., Run], workers: str) -> None:
    done = run(
        "def test_first(): assert not once('first')\n"
        "def test_stop(): raise KeyboardInterrupt\n"
        "def test_last(): pass",
        *("-n", workers, "test_it.py"),
    )
    assert (done.code, done.flaky) == (2, [])
    assert "Nothing is run once more: pytest ended with exit code 2." in done.output


@pytest.mark.parametrize(
    ("module", "arguments", "code"),
    [("", ["test_it.py"], 5), ("", ["--no-such-option"], 4), ("", ["test_that.py"], 4)],
    ids=["no tests", "no such option", "no such file"],
)
def test_a_run_of_nothing_fails(
    run: Callable[..., Run], module: str, arguments: list[str], code: int
) -> None:
    assert run(module, *arguments).code == code


def test_an_end_without_an_account_fails(run: Callable[..., Run]) -> None:
    """A plain os._exit(0) without workers looks like success to whoever sees the exit code only."""
    done = run("def test_deadly(): os._exit(0)")
    assert done.code == 1
    assert "Nothing is run once more: pytest came to no orderly end." in done.output


@pytest.mark.parametrize(("failures", "code"), [(twice.MOST, 0), (twice.MOST + 1, 1)])
def test_many_failures_are_no_matter_of_the_moment(run: Callable[..., Run], failures: int, code: int) -> None:
    done = run(f"@pytest.mark.parametrize('n', range({failures}))\ndef test_moody(n): assert not once(n)")
    assert done.code == code
    assert len(done.flaky) == (failures if code == 0 else 0)
    assert ("Once more" in done.output) == (code == 0)
