"""The command `mqadmin`: what each word leads to, and what is said where one leads nowhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from mqadmin import __version__, command, place
from mqadmin.core.api import tokens
from mqadmin.local import node
from mqadmin.local.trouble import Trouble
from mqadmin.up import asked
from tests.core.conftest import make_user


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words that reached Django."""
    found: list[list[str]] = []
    monkeypatch.setattr(command, "_django", found.append)
    return found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["consumer", "orders", "--wait"], ["run_consumer", "orders", "--wait"]),
        (["help", "consumer"], ["help", "run_consumer"]),
        (["token", "create", "ann", "--name", "x"], ["create_token", "ann", "--name", "x"]),
        (["token", "list"], ["list_tokens"]),
        (["token", "revoke", "ann"], ["revoke_tokens", "ann"]),
        (["migrate", "--noinput"], ["migrate", "--noinput"]),
        (["help", "--commands"], ["help", "--commands"]),
    ],
)
def test_words_lead_to_commands(called: list[list[str]], words: list[str], expected: list[str]) -> None:
    assert command.main(words) == 0
    assert called == [expected]


@pytest.mark.parametrize("words", [[], ["help"], ["--help"], ["-h"]])
def test_alone_it_says_what_matters_first(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("  mqadmin up ")
    assert lines[3].startswith("  mqadmin consumer NAME ")
    assert len(lines) < 20


def test_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--version"])
    assert capsys.readouterr().out == f"mqadmin {__version__}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["consumr"], "there is no command 'consumr'. Did you mean consumer?"),
        (["ups"], "there is no command 'ups'. Did you mean up?"),
        (["migrat"], "there is no command 'migrat'. Did you mean migrate?"),
        (["token", "lst"], "there is no command 'token lst'. Did you mean token list?"),
        (["xyzzy"], "there is no command 'xyzzy'. `mqadmin help` names those that matter."),
    ],
)
def test_an_unknown_word_gives_what_may_be_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        command.main(words)
    assert end.value.code == 2
    assert capsys.readouterr().err == f"mqadmin: {said}\n"


def test_up_takes_options_and_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"PORT": "1"})
    asked.take(["--port", "8001", "--brokers-file", "b.toml", "BROKER_AMQP_PORT=5", "MQADMIN_HANDLERS=a,b"])
    assert os.environ == {
        "PORT": "8001",
        "MQADMIN_BROKERS_FILE": "b.toml",
        "BROKER_AMQP_PORT": "5",
        "MQADMIN_HANDLERS": "a,b",
    }
    with pytest.raises(SystemExit) as end:
        asked.take(["8001"])
    assert end.value.code == 2


def test_up_without_any_rabbitmq_installs_nothing_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("RABBITMQ_URL", "RABBITMQ_MANAGEMENT_URL", "MQADMIN_BROKERS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("MQADMIN_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(node, "_PROGRAMS", ())
    with pytest.raises(Trouble, match=r"There is no RabbitMQ to run[^$]+RABBITMQ_URL=amqp") as caught:
        asked.run([])
    assert caught.value.code == 2
    assert not (tmp_path / "var").exists(), "nothing is begun"


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"MQADMIN_VAR": "/srv/mqadmin", "XDG_STATE_HOME": "/state"}, "/srv/mqadmin"),
        ({"XDG_STATE_HOME": "/state"}, "/state/mqadmin"),
        ({"XDG_STATE_HOME": "state"}, "/home/ann/.local/state/mqadmin"),
        ({}, "/home/ann/.local/state/mqadmin"),
    ],
)
def test_where_the_data_of_a_package_goes(
    environ: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setattr(place, "IS_INSTALLED", True)
    assert str(place.var(environ)) == expected


def test_the_procfile_of_a_package_names_programs_that_are_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of a user's own packages are not beside Python, which may be called python3 alone."""
    (tmp_path / "gunicorn").touch()
    monkeypatch.setattr(place, "IS_INSTALLED", True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    text = place.procfile(place.FILES / "Procfile")
    commands = [line.split(": ")[1].split()[:4] for line in text.splitlines()]
    python = [str(tmp_path / "python3"), "-P", "-m"]
    assert commands[0][0] == "gunicorn"
    assert commands[1] == [*python, "mqadmin"]
    assert commands[2] == commands[3] == [*python, "celery"]


@pytest.mark.django_db
def test_tokens_are_listed_without_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    token = tokens.create(user=make_user("viewer"), name="nightly")
    call_command("list_tokens")
    said = capsys.readouterr().out
    assert said == f"{token[-4:]}  viewer  never used  nightly\n"
    call_command("list_tokens", "nobody")
    assert capsys.readouterr().out == ""
