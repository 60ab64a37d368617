from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.support.processes import ROOT

pytestmark = [pytest.mark.any_database, pytest.mark.any_version, pytest.mark.processes]

_SHOW = """
import json, sys, psutil
from consumers.supervisor.forking import shown
shown.title(sys.argv[1])
said = ""
try:
    shown.variable("MARK", sys.argv[2])
except OSError as error:
    said = str(error)
me = psutil.Process()
print(json.dumps([" ".join(me.cmdline()), me.environ(), said]))
"""


def shown(title: str, mark: str) -> tuple[str, dict[str, str], str]:
    """Start a process that shows `title`, and `mark` in the place of ----, and return what others see of it."""
    environ = {**os.environ, "MARK": "----", "AFTER": "kept"}
    command = [sys.executable, "-c", _SHOW, title, mark]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    found, seen, said = json.loads(done.stdout)
    return found, seen, said


def test_title_and_variable_are_what_others_see() -> None:
    title, seen, said = shown("python manage.py run_consumer -- bücher", "a:12")
    assert title == "python manage.py run_consumer -- bücher"
    assert (seen["MARK"], seen["AFTER"], said) == ("a:12", "kept", "")


@pytest.mark.parametrize("mark", ["a:1", "a:123"])
def test_what_has_not_the_room_is_refused_and_changes_nothing(mark: str) -> None:
    title, seen, said = shown("x" * 5000, mark)
    assert title.strip("x") == ""
    assert (seen["MARK"], seen["AFTER"]) == ("----", "kept")
    assert said == "MARK has not the room"
