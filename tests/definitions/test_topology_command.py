"""`manage.py topology` in CI: its exit codes, what it says, and that it deletes only what it may."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mqadmin.core.models import Operation
from mqadmin.definitions.acts import sources
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
    file.write_text('{"queues": []}')
    assert topology("export", str(tmp_path / "no" / "folder"))[0] == 2
    file.write_bytes(b" " * (sources.LARGEST_FILE + 1))
    assert topology("diff", str(file)) == (2, "The file is larger than 32 MB.")
    file.write_text('{"rabbit_version": "9.9"}')
    assert topology("apply", str(file))[0] == 2


def test_a_broker_that_does_not_answer_is_a_fault(tmp_path: Path, no_broker: None) -> None:
    file = tmp_path / "shop.json"
    file.write_text('{"queues": []}')
    for do in ("diff", "apply", "export"):
        assert topology(do, str(file))[0] == 2


def test_apply_says_what_stands_in_its_way(
    town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On production the name is wanted; beside another restore it is refused; what fails is a fault, told by
    name."""
    file = str(tmp_path / "shop.json")
    mine = ("--vhost", town.vhost)
    assert topology("export", file, *mine)[0] == 0
    told = json.loads(Path(file).read_text())
    told["policies"].append(
        {"vhost": town.vhost, "name": "wrong", "pattern": "^", "definition": {"max-length": -1}}
    )
    queue = {"vhost": town.vhost, "name": "new", "durable": True, "auto_delete": False, "arguments": {}}
    told["queues"].append({**queue, "unknown": 1})
    Path(file).write_text(json.dumps(told))
    with monkeypatch.context() as patched:
        patched.setattr("mqadmin.core.brokers.environment", lambda _slug: "production")
        code, said = topology("apply", file, *mine)
        assert (code, "--confirm default" in said) == (2, True)
    other = Operation.objects.create(kind="definitions.restore", broker="default", created_by="ann")
    code, said = topology("apply", file, *mine)
    assert (code, "Another restore" in said) == (2, True)
    other.delete()
    code, said = topology("apply", file, *mine, "--json")
    results = {item["name"]: (item["outcome"], item["text"]) for item in json.loads(said)["results"]}
    assert code == 2
    assert results["wrong"][0] == "failed"
    assert "400" in results["wrong"][1]
    assert results["new"] == ("failed", "The broker took it without a word, and it is not so.")
    assert "new" in [
        item.name for item in town.management.queues(town.vhost)
    ]  # but for what no RabbitMQ knows
