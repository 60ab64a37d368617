"""The wheel: what is in it, what it says of itself, and that it asks for what the code imports."""

from __future__ import annotations

import ast
import email
import re
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy import ROOT
from deploy.venv import pins
from mqadmin import __version__
from tests.support import wheels

INSIDE = f"mqadmin-{__version__}.dist-info"
# Where its files are in the checkout.
BESIDE = ("locale", "static", "templates", "Procfile")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def says(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"{INSIDE}/METADATA"))


def _in_checkout() -> Iterator[str]:
    """Yield what the wheel should hold, by its name there."""
    for package in ("mqadmin", "consumers"):
        for path in (ROOT / package).rglob("*.py"):
            yield path.relative_to(ROOT).as_posix()
    for beside in BESIDE:
        for path in [ROOT / beside, *(ROOT / beside).rglob("*")]:
            if path.is_file():
                yield f"mqadmin/files/{path.relative_to(ROOT).as_posix()}"


def test_it_holds_the_code_and_what_lies_beside_it_and_nothing_else(wheel: Path, names: list[str]) -> None:
    code = [name for name in names if not name.startswith(INSIDE)]
    assert sorted(code) == sorted(_in_checkout())
    suffixes = {PurePosixPath(name).suffix for name in code}
    assert suffixes == {".py", ".html", ".css", ".js", ".svg", ".woff2", ".md", ".mo", ".po", ""}
    licences = {name for name in names if name.startswith(f"{INSIDE}/licenses/")}
    assert len(licences) == 5, "ours, and one of each whose files are in it"
    assert wheel.stat().st_size < 4_000_000


def test_it_tells_nothing_of_when_and_where_it_was_built(wheel: Path) -> None:
    """So that of one commit there is one wheel."""
    with zipfile.ZipFile(wheel) as archive:
        infos = archive.infolist()
        assert len({info.date_time for info in infos}) == 1
        assert {info.external_attr >> 16 & 0o777 for info in infos} <= {0o644, 0o755}
        assert not any(str(ROOT).encode() in archive.read(info) for info in infos)


def test_what_it_says_of_itself(says: email.message.Message) -> None:
    assert says["Version"] == __version__
    assert says["License-Expression"] == "MIT"
    assert says["Description-Content-Type"] == "text/markdown"
    assert "# mqadmin" in says.get_payload()
    assert says["Home-page"] is None


def test_it_asks_for_what_is_imported_and_for_nothing_else(says: email.message.Message) -> None:
    """Besides what is named and not imported: programs of the Procfile, apps, drivers. Extras are asked for too."""
    named = {"whitenoise", "psycopg"}
    where = metadata.packages_distributions()
    found = set(named)
    for package in ("mqadmin", "consumers"):
        for path in (ROOT / package).rglob("*.py"):
            for module in _imported(ast.parse(path.read_text())):
                top = module.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in {"mqadmin", "consumers"}:
                    found.add(canonicalize_name(_distribution(module, where[top])))
    assert {canonicalize_name(one.name) for one in _required(says)} == found


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _distribution(module: str, names: list[str]) -> str:
    """Return which of `names`, distributions that share a package, has the module, or what it is a part of."""
    path = module.replace(".", "/")
    for part in (path, path.rpartition("/")[0]):
        for name in sorted(set(names)) if len(set(names)) > 1 else ():
            files = map(str, metadata.files(name) or ())
            if any(file == f"{part}.py" or file.startswith(f"{part}/") for file in files):
                return name
    return names[0]


def _required(says: email.message.Message) -> list[Requirement]:
    return [Requirement(text) for text in says.get_all("Requires-Dist", [])]


def test_the_lock_is_of_what_it_asks_for(says: email.message.Message) -> None:
    """requirements.txt pins each package that it needs, and those that they need, within the bounds; no other.

    Those of extras are not among them.
    """
    locked = {canonicalize_name(name): version for name, version in pins(ROOT / "requirements.txt")}
    needed: set[str] = set()
    waiting = [one for one in _required(says) if one.marker is None or one.marker.evaluate({"extra": ""})]
    for one in waiting:
        assert one.specifier.contains(locked[canonicalize_name(one.name)]), one
        assert any(spec.operator == ">=" for spec in one.specifier), f"{one} has no lower bound"
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        waiting += [
            asked for extra in one.extras for asked in _of_extra(name, extra) if asked.name not in needed
        ]
        if name in needed:
            continue
        needed.add(name)
        waiting += [
            Requirement(text)
            for text in metadata.requires(name) or ()
            if not re.search(r";.*\bextra\b", text) and _holds(Requirement(text))
        ]
    assert needed == set(locked)


def _of_extra(name: str, extra: str) -> list[Requirement]:
    """Return what an extra of a package needs besides the package."""
    every = [Requirement(text) for text in metadata.requires(name) or ()]
    return [
        one
        for one in every
        if one.marker is not None
        and one.marker.evaluate({"extra": extra})
        and not one.marker.evaluate({"extra": ""})
    ]


def _holds(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()
