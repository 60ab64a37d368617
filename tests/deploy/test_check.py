"""`make check`: what it says of lines that are too long."""

from __future__ import annotations

from pathlib import Path

from deploy import ROOT, check


def test_long_lines_of_templates_are_named_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "queues").mkdir()
    (tmp_path / "queues" / "list.html").write_text(f"{'x' * 160}\n{'ü' * 161}\n")
    (tmp_path / "notes.txt").write_text("x" * 500)
    assert check.long_lines(tmp_path) == ["queues/list.html:2: 161 characters, 160 at most"]


def test_no_template_has_one() -> None:
    assert check.long_lines(ROOT / "templates") == []
