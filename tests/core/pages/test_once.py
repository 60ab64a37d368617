"""A page reads once what it asks for several times."""

from __future__ import annotations

from mqadmin.core.pages import once


def test_a_page_reads_once_and_never_what_another_read() -> None:
    asked: list[str] = []

    @once.once
    def read(slug: str) -> int:
        asked.append(slug)
        return len(asked)

    assert (read("a"), read("a")) == (1, 2)
    with once.reading():
        assert (read("a"), read("a"), read("b")) == (3, 3, 4)
        with once.reading():
            assert read("a") == 3
    with once.reading():
        assert read("a") == 5
