"""Many samples are written in pieces, which read as one text."""

from __future__ import annotations

from mqadmin.core.exposition import Family, render


def test_a_family_of_thousands_has_one_head_and_each_of_its_samples() -> None:
    unknown = [(f'{{n="{number}"}}', None) for number in range(700)]
    known = [(f'{{n="{number}"}}', number) for number in range(1_200)]
    lines = render([Family("many", "gauge", "Many.", iter(unknown + known))]).splitlines()
    assert lines[:3] == ["# HELP many Many.", "# TYPE many gauge", 'many{n="0"} 0']
    assert lines[2:] == [f'many{{n="{number}"}} {number}' for number in range(1_200)]


def test_a_family_of_which_nothing_is_known_is_left_out() -> None:
    assert render([Family("odd", "gauge", "Odd.", [("", None)] * 700)]) == ""
