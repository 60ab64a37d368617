"""The RabbitMQ 4 that tests run on: what is unpacked is of the series the tests are for, or is not used."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy import ROOT, rabbitmq4
from mqadmin.local.trouble import Trouble
from tests.support.waiting import patient, wait_until

pytestmark = pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="reads dpkg's database")


@pytest.mark.parametrize("series", ["4.3", "4.30", "4.1"])
def test_another_series_is_refused_and_fetched_anew(
    series: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    folder = _unpacked(tmp_path, "4.4.1-2")
    with pytest.raises(Trouble, match=f"forky has RabbitMQ 4.4.1 now, not {series}"):
        rabbitmq4.start(folder, "forky", series)
    assert not (folder / "complete").exists()


def test_what_was_unpacked_is_not_unpacked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", _debootstrap(tmp_path, "echo no such suite; exit 1"))
    folder = _unpacked(tmp_path / "kept", "4.3.6-1")
    rabbitmq4.unpack(folder, "forky")
    (folder / "complete").unlink()
    with pytest.raises(Trouble, match="no such suite"):
        rabbitmq4.unpack(folder, "forky")
    assert not (folder / "complete").exists()


@pytest.mark.processes
@pytest.mark.skipif(os.geteuid() != 0, reason="only root unpacks")
def test_one_that_is_told_to_end_ends_debootstrap_with_all_that_it_runs(tmp_path: Path) -> None:
    path = _debootstrap(tmp_path, f"(trap '' TERM; touch {tmp_path}/runs; exec sleep 600); exit 1")
    unpacking = subprocess.Popen(
        [sys.executable, "-m", "deploy.rabbitmq4", "unpack", str(tmp_path / "system")],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        stderr=subprocess.DEVNULL,
    )
    wait_until((tmp_path / "runs").exists, 30)
    group = psutil.Process(unpacking.pid).children(recursive=True)
    assert len(group) >= 2  # what it runs besides may not have ended yet
    unpacking.terminate()
    assert unpacking.wait(patient(10)) == 143
    wait_until(lambda: not any(child.is_running() for child in group), what="none of them runs")


def _debootstrap(folder: Path, does: str) -> str:
    """Put a program of that name into `folder`; return a PATH on which it is found first."""
    tool = folder / "debootstrap"
    tool.write_text(f"#!/bin/sh\n{does}\n")
    tool.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_it_comes_from_the_archive_that_apt_uses() -> None:
    assert rabbitmq4._mirror().startswith(("http://", "https://"))


def _unpacked(folder: Path, version: str) -> Path:
    database = folder / "system" / "var" / "lib" / "dpkg"
    (database / "info").mkdir(parents=True)
    (database / "status").write_text(
        "Package: rabbitmq-server\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\n"
        f"Version: {version}\nDescription: a broker\n\n"
    )
    (folder / "complete").touch()
    return folder
