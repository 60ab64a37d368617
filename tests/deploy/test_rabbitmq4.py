"""The RabbitMQ 4 that tests run on: what is unpacked is of the series the tests are for, or is not used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from deploy import rabbitmq4
from mqadmin.local.trouble import Trouble

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
