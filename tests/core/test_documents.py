"""Documents that name tests, files and decisions name ones that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
_TEST = re.compile(r"`((?:[\w/]+/)?test_\w+\.py)(?:::(test_\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = document.read_text()
    missing = [link for link in _LINK.findall(text) if not (document.parent / link).exists()]
    assert not missing


def test_every_reference_system_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "reference-systems.md").read_text()
    found = _TEST.findall(text)
    assert len(found) > 20
    for name, function in found:
        path = ROOT / name if name.startswith("tests/") else ROOT / "tests" / "consumers" / name
        assert path.exists(), name
        assert not function or f"def {function}(" in path.read_text(), f"{name}::{function}"


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    listed = (folder / "README.md").read_text()
    assert [path.name for path in folder.glob("0*.md") if path.name not in listed] == []


_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|html|toml|yml))`")
_CODE = ("mqadmin", "consumers", "deploy", "templates", "static", "tests")
_MADE = ("dist/", "dist/manual", "var/")


def test_every_path_that_contributing_names_is_there() -> None:
    """A name alone, `forms.py`, is that of some module; a path is one from the top, or the end of one."""
    there = [path.relative_to(ROOT) for name in _CODE for path in (ROOT / name).rglob("*")]
    ends = {Path(*path.parts[at:]) for path in there for at in range(len(path.parts))}
    named = _NAMED.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 150
    missing = [name for name in named if Path(name) not in ends and not (ROOT / name).exists()]
    assert sorted(set(missing) - set(_MADE)) == []
