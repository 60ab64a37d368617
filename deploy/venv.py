"""The virtual environment: made, filled from the pinned requirements, and repaired, whatever was interrupted.

    python3 -m deploy.venv requirements.txt

What is there is looked at each time, file by file: that takes a moment, and no note about it can be wrong.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy import ROOT, packages
from mqadmin.local import steps
from mqadmin.local.trouble import Trouble, report

FOLDER = ROOT / ".venv"
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==(\S+)")


def main() -> None:
    """See to the environment for the requirements file on the command line."""
    ensure(sys.argv[1])


def ensure(requirements: str, folder: Path = FOLDER) -> None:
    """Make sure that `folder` has every package of a requirements file, whole. Raises Trouble."""
    why = unusable(folder)
    if why is not None:
        _create(folder, why)
    wanted = dict(pins(ROOT / requirements))
    site = _site(folder)
    missing = wanted if site is None else lacking(site, wanted)
    if not missing:
        return
    if site is not None:
        _clear_debris(site, missing)
    some = (
        f"{len(missing)} Python packages" if len(missing) > 1 else f"the Python package {next(iter(missing))}"
    )
    steps.say(f"Installing {some} ...")
    steps.run(f"Installing {requirements} with pip", [*_pip(folder), "--requirement", ROOT / requirements])
    if left := lacking(_site(folder) or folder, wanted):
        raise Trouble(
            f"pip installed {requirements}, but {', '.join(sorted(left)[:3])} is not whole in {folder}. "
            f"Remove that folder and run it again: rm -rf {folder}"
        )


def unusable(folder: Path) -> str | None:
    """Return why an environment must be made anew, "" where there is none yet; None for one that can be used."""
    if not (folder / "pyvenv.cfg").exists():
        return ""
    try:
        asked = subprocess.run(
            [folder / "bin" / "python", "-c", "import sys; print(sys.version_info >= (3, 11), sys.prefix)"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return "the Python it was made with is gone"
    usable, _, prefix = asked.stdout.strip().partition(" ")
    if asked.returncode or not prefix:
        return "its Python does not run"
    if usable != "True":
        return "its Python is too old"
    site = _site(folder)
    if site is None or not (site / "pip" / "__main__.py").exists():
        return "it is of another Python, or was left half made"
    if _is_of_another_place(folder):
        return "it was made for another folder"
    return None


def lacking(site: Path, wanted: dict[str, str]) -> dict[str, str]:
    """Return the packages, of `wanted` {name: version}, that are not there as they were installed."""
    found: dict[tuple[str, str], Path] = {}
    for info in site.glob("*.dist-info"):
        name, _, version = info.name.removesuffix(".dist-info").rpartition("-")
        found[_normal(name), version] = info
    return {
        name: version
        for name, version in wanted.items()
        if not _is_whole(found.get((_normal(name), version)))
    }


def pins(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, version) of a requirements file and of those that it includes."""
    for line in path.read_text().splitlines():
        if line.startswith("-r "):
            yield from pins(path.parent / line.removeprefix("-r ").strip())
        elif pin := _PIN.match(line.strip()):
            yield pin[1], pin[2]


def _is_whole(info: Path | None) -> bool:
    """Whether every file of a package is there, and as long as its record says."""
    if info is None:
        return False
    try:
        rows = list(csv.reader((info / "RECORD").read_text().splitlines()))
        for file, _digest, size in rows:
            if not file.endswith(".pyc"):
                length = (info.parent / file).stat().st_size
                if size and int(size) != length:
                    return False
    except (OSError, ValueError):
        return False
    return bool(rows)


def _create(folder: Path, why: str) -> None:
    if not _can_create():
        if not packages.can_install():
            raise Trouble(
                f"Python's venv module is missing. Install it:\n  {packages.command('python3-venv')}"
            )
        packages.install("python3-venv")
    steps.say(f"Making {folder.name} anew ({why}) ..." if why else f"Creating {folder.name} ...")
    steps.run(f"Creating {folder}", [sys.executable, "-m", "venv", "--clear", folder])


def _can_create() -> bool:
    """Debian splits ensurepip from Python, and says so only half-way through creating an environment."""
    probe = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True, check=False)
    return probe.returncode == 0


def _clear_debris(site: Path, missing: dict[str, str]) -> None:
    """Take away what a pip that was killed left: it would believe it, or warn of it for ever."""
    names = {_normal(name) for name in missing}
    for path in site.iterdir():
        name = path.name.removesuffix(".dist-info")
        is_of_missing = name != path.name and _normal(name.rpartition("-")[0]) in names
        if name.startswith("~") or (is_of_missing and not _is_whole(path)):
            shutil.rmtree(path, ignore_errors=True)


def _pip(folder: Path) -> list[str | Path]:
    quiet = ["--disable-pip-version-check", "--no-input", "install", "--quiet", "--root-user-action=ignore"]
    return [folder / "bin" / "python", "-m", "pip", *quiet]


def _site(folder: Path) -> Path | None:
    """Return where the environment's Python looks for packages, None where that is not there."""
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    try:
        said = subprocess.run(
            [folder / "bin" / "python", "-c", asked], capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        return None
    return Path(said) if said and Path(said).is_dir() else None


def _is_of_another_place(folder: Path) -> bool:
    """Whether its programs would run the Python of the folder that it was copied or moved from."""
    try:
        head = (folder / "bin" / "gunicorn").read_text(errors="replace")[:600]
    except OSError:
        return False
    named = re.search(r"(/[^'\"\n]*)/python[0-9.]*", head)
    return named is not None and Path(named[1]).resolve() != (folder / "bin").resolve()


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    report(main)
