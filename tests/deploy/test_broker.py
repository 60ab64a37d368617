"""Where the private RabbitMQ comes from: the package, Docker, or a message that says how to get one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy import prepare
from mqadmin.local import broker, docker, node, packages
from mqadmin.local.trouble import Trouble

FAKE_DOCKER = """#!/bin/sh
echo "$* ${RABBITMQ_DEFAULT_PASS:-none}" >>"$0.calls"
[ "$1" != container ] || exit 1
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without RabbitMQ, on which this user may install nothing. Returns the only folder in PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(node, "_PROGRAMS", ())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return programs


@pytest.fixture
def docker_engine(bare: Path) -> Path:
    """A `docker` that answers and writes down how it was called. Returns the file with its calls."""
    program = bare / "docker"
    program.write_text(FAKE_DOCKER)
    program.chmod(0o755)
    return bare / "docker.calls"


@pytest.mark.usefixtures("bare")
def test_without_any_way_the_message_names_each_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "_family", lambda: "fedora")
    with pytest.raises(Trouble) as caught:
        prepare.obtain()
    text = str(caught.value)
    assert caught.value.code == 2
    assert "sudo dnf install rabbitmq-server" in text
    assert "rabbitmq:4-management" in text
    assert "make up RABBITMQ_URL=" in text


def test_package_is_preferred(tmp_path: Path) -> None:
    assert isinstance(broker.private(tmp_path, 1, 2), node.Node)


def test_docker_is_used_where_it_answers(docker_engine: Path, tmp_path: Path) -> None:
    prepare.obtain()
    own = broker.private(tmp_path / "var", 1, 2)
    assert isinstance(own, docker.Container)


def test_container_listens_on_loopback_and_hides_its_password(docker_engine: Path, tmp_path: Path) -> None:
    container = docker.Container(tmp_path / "var" / "rabbitmq", 5673, 15673)

    container.start()

    run = next(line for line in docker_engine.read_text().splitlines() if line.startswith("run "))
    arguments, _, given = run.rpartition(" ")
    assert "--publish 127.0.0.1:5673:5672 --publish 127.0.0.1:15673:15672" in arguments
    assert given == container.password, "it reaches docker by its environment"
    assert container.password not in arguments
    assert (container.folder / "docker-password").stat().st_mode & 0o077 == 0
    assert docker.Container(container.folder, 1, 2).password == container.password
