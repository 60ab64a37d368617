"""The virtual environment: what is broken in it is seen and mended, without a note about it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deploy import ROOT, venv
from mqadmin.local.trouble import Trouble

pytestmark = pytest.mark.processes

PACKAGE = "mqadmin_test_package"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A requirements file of one package, which pip finds on this machine and nowhere else."""
    info = f"{PACKAGE}-1.0.dist-info"
    files = {
        f"{PACKAGE}/__init__.py": "found = True\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,{len(text)}\n" for name, text in files.items()) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(tmp_path / f"{PACKAGE}-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)
    (tmp_path / "requirements.txt").write_text(f"{PACKAGE.replace('_', '-')}==1.0\n")
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return tmp_path


def works(folder: Path) -> bool:
    command = [folder / "bin" / "python", "-W", "error", "-c", f"import {PACKAGE}; assert {PACKAGE}.found"]
    return subprocess.run(command, check=False).returncode == 0


def test_what_was_interrupted_or_broken_is_mended(wheels: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its Python is gone: it is made anew, as one is that was not there. Then what is broken in it is mended."""
    folder = wheels / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/usr/bin/python3.5-that-was-removed")
    venv.ensure("requirements.txt", folder)
    assert works(folder)
    assert capfd.readouterr().out == (
        "Making .venv anew (the Python it was made with is gone) ...\n"
        "Installing the Python package mqadmin-test-package ...\n"
    )

    venv.ensure("requirements.txt", folder)
    assert capfd.readouterr() == ("", "")

    site = next(folder.glob("lib/python3.*/site-packages"))
    (site / PACKAGE / "__init__.py").write_text("")  # the disk was full
    (site / "~qadmin_test_package").mkdir()  # pip was killed
    (site / f"{PACKAGE}-1.0.dist-info" / "RECORD").unlink()  # earlier
    venv.ensure("requirements.txt", folder)
    assert works(folder)
    assert capfd.readouterr() == ("Installing the Python package mqadmin-test-package ...\n", "")
    assert not (site / "~qadmin_test_package").exists()

    (wheels / "requirements.txt").write_text("mqadmin-no-such-package==1.0\n")
    with pytest.raises(Trouble) as caught:
        venv.ensure("requirements.txt", folder)
    assert "Installing requirements.txt with pip did not succeed" in str(caught.value)
    assert "No matching distribution found for mqadmin-no-such-package" in str(caught.value)
    assert "The package index lacks it" in str(caught.value)


def test_one_that_was_left_half_made_or_moved(tmp_path: Path) -> None:
    folder = tmp_path / ".venv"
    assert venv.unusable(folder) == ""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    assert venv.unusable(folder) == "it is of another Python, or was left half made"
    (site,) = folder.glob("lib/python3.*/site-packages")
    (site / "pip").mkdir()
    (site / "pip" / "__main__.py").touch()
    (folder / "bin" / "gunicorn").write_text(f"#!{folder}/bin/python3\n")
    assert venv.unusable(folder) is None
    folder.rename(tmp_path / "moved")
    assert venv.unusable(tmp_path / "moved") == "it was made for another folder"


def test_the_one_that_runs_this_test_is_whole() -> None:
    assert venv.unusable(Path(sys.prefix)) is None
    (site,) = Path(sys.prefix).glob("lib/python3.*/site-packages")
    wanted = dict(venv.pins(ROOT / "requirements-dev.txt"))
    assert {"pytest", "Django"} <= set(wanted)
    assert venv.lacking(site, wanted) == {}
    assert venv.lacking(site, {"Django": "1.0"}) == {"Django": "1.0"}
