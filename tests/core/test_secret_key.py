"""The secret key: never one that others know; a process that has no other ends in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mqadmin.given import Unusable
from mqadmin.secret_key import secret_key
from tests.support.processes import ROOT
from tests.support.waiting import patient

GOOD = "vNq3-7hXkT_1bZp9sWc4mEr8yLd2uGf6"
EXAMPLES = [
    value.partition("#")[0].strip()
    for file in (ROOT / "deploy").rglob("*.*")
    if file.suffix in {".example", ".yaml"}
    for value in re.findall(r"SECRET_KEY ?[=:] ?(.+)", file.read_text())
]


def test_the_examples_have_a_key() -> None:
    assert len(EXAMPLES) == 2


@pytest.mark.parametrize(
    "key",
    [
        *EXAMPLES,
        "REPLACE-ME-please",
        "replace-me" * 5,
        f"django-insecure-{GOOD}",
        "only-for-this-step" * 2,
        "secret",
        "x" * 50,
        "abcabcabcabcabcabcabcabc",
    ],
)
def test_a_key_that_others_know_is_refused_in_a_sentence(key: str, tmp_path: Path) -> None:
    with pytest.raises(Unusable) as caught:
        secret_key({"SECRET_KEY": key}, tmp_path / "secret-key")
    assert str(caught.value).startswith("mqadmin: SECRET_KEY ")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", [GOOD, "9f86d081884c7d659a2feaa0c55ad015", f"  {GOOD}  "])
def test_a_key_made_by_chance_is_taken(key: str, tmp_path: Path) -> None:
    assert secret_key({"SECRET_KEY": key}, tmp_path / "secret-key") == key.strip()


def test_without_one_it_is_made_once(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret-key"
    made = secret_key({}, path)
    assert len(made) > 50
    assert secret_key({"SECRET_KEY": ""}, path) == made
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_holds_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "secret-key"
    path.touch()
    with pytest.raises(Unusable, match=r"is empty\. Delete it"):
        secret_key({}, path)
    with pytest.raises(Unusable, match="cannot be read or made"):
        secret_key({}, path / "below-a-file")


@pytest.mark.parametrize(
    "command",
    [
        ["python", "manage.py", "check"],
        ["gunicorn", "mqadmin.wsgi", "--bind", "127.0.0.1:0", "--workers", "1", "--no-control-socket"],
        ["celery", "--quiet", "-A", "mqadmin", "worker"],
    ],
    ids=lambda command: command[0],
)
def test_a_process_with_the_key_of_an_example_ends_and_says_why(command: list[str], tmp_path: Path) -> None:
    environ = {**os.environ, "SECRET_KEY": EXAMPLES[0], "MQADMIN_VAR": str(tmp_path)}
    program = Path(sys.executable).parent / command[0]
    done = subprocess.run(
        [program, *command[1:]],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=patient(60),
    )
    assert done.returncode != 0
    assert done.stderr.count("mqadmin: SECRET_KEY is that of an example") == 1
    assert "Traceback" not in done.stdout + done.stderr
    if command[0] == "python":
        assert len(done.stderr.splitlines()) == 1
