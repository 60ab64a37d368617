"""`manage.py topology` in CI: its exit codes, what it says, and that it deletes only what it may."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.definitions.conftest import Town

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def topology(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("topology", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def test_a_file_in_a_repository(town: Town, tmp_path: Path) -> None:
    file = str(tmp_path / "shop.json")
    mine = ("--vhost", town.vhost)
    assert topology("export", file, *mine)[0] == 0
    first = Path(file).read_text()
    assert topology("export", file, *mine)[0] == 0
    assert Path(file).read_text() == first
    assert "password" not in first
    assert topology("diff", file, *mine) == (0, "default → file shop.json: nothing\n")
    town.management.delete_policy(town.vhost, "limits")
    town.management.declare_queue(town.vhost, "extra")
    town.management.bind(town.vhost, "orders", "orders", "extra")
    code, said = topology("diff", file, *mine)
    assert code == 1
    assert f"added: policy “limits” in “{town.vhost}”" in said
    assert f"gone: queue “extra” in “{town.vhost}”" in said
    code, said = topology("diff", file, *mine, "--json")
    assert [item["kind"] for item in json.loads(said)["differences"]] == ["policy", "queue", "binding"]
    assert topology("apply", file, *mine, "--dry-run")[0] == 1
    assert not town.management.policies(town.vhost)
    assert topology("apply", file, *mine, "--prune")[0] == 1  # the queue stays
    assert [item.name for item in town.management.policies(town.vhost)] == ["limits"]
    assert [item["name"] for item in _left(topology("diff", file, *mine, "--json")[1])] == ["extra"]
    town.management.delete_queue(town.vhost, "extra")
    assert topology("apply", file, *mine)[0] == 0


def _left(said: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(said)["differences"]
    return found


def test_what_it_cannot_do_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    assert topology("diff", str(file))[0] == 2
    file.write_text('{"queues": [{"vhost": "/"}]}')
    assert topology("diff", str(file)) == (2, "Number 1 of the file's “queues” lacks “name”.")
    file.write_text('{"queues": [{"name": "a"}]}')
    assert topology("diff", str(file))[0] == 2
    assert topology("diff", str(file), "--broker", "nowhere")[0] == 2
