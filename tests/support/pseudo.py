"""A language that nobody speaks: every message that the code marks stands in ⟦ and ⟧, and is else as it was.

What a page then shows outside of them is not translated. `outside` finds it.
"""

from __future__ import annotations

import functools
import gc
import gettext
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

from babel.messages.catalog import Catalog
from django.template import engines
from django.test import override_settings
from django.utils.translation import trans_real

from deploy import messages

LANGUAGE = "zh-hans"
_FOLDER = "zh_Hans"
_SILENT = {"script", "style", "code", "pre", "kbd", "samp", "svg", "textarea", "var"}
_VOID = {
    "meta",
    "link",
    "input",
    "br",
    "hr",
    "img",
    "use",
    "polygon",
    "polyline",
    "wbr",
    "source",
    "path",
    "col",
}
_INLINE = {"a", "abbr", "b", "bdi", "code", "em", "i", "kbd", "small", "span", "strong", "time", "var"}
_SHOWN = re.compile(
    r"^(title|alt|placeholder|aria-label|aria-description|label"
    r"|data-(confirm.*|denied|empty|fault|changed|.*text|.*label|ago-.*|time))$"
)


@contextmanager
def spoken(folder: Path) -> Iterator[None]:
    """Have Chinese be that language, in this process."""
    catalogue = Catalog(locale=_FOLDER, fuzzy=False)
    for part in messages.wanted().values():
        for found in part.values():
            text = found.id if isinstance(found.id, str) else found.id[1]
            said = f"⟦{text}⟧"
            catalogue.add(
                found.id, said if isinstance(found.id, str) else (said,), context=found.context or None
            )
    place = folder / _FOLDER / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "django.mo").write_bytes(messages.compiled(catalogue))
    try:
        with override_settings(LOCALE_PATHS=[folder]):
            forget()
            yield
    finally:
        forget()


def forget() -> None:
    """Read the catalogues anew, and keep nothing that was made with others."""
    trans_real._translations.clear()  # type: ignore[attr-defined]
    gettext._translations.clear()  # type: ignore[attr-defined]
    for engine in engines.all():
        for loader in engine.engine.template_loaders:  # a compiled template keeps its words in each language
            loader.reset()
    for each in gc.get_objects():
        # No `isinstance`: it would open what is lazy.
        if type(each) is functools._lru_cache_wrapper and each.__module__.startswith(
            ("mqadmin", "consumers")
        ):
            each.cache_clear()


class _Shown(HTMLParser):
    """What people see, or hear, of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.lines: list[str] = [""]
        self._open: list[tuple[str, bool]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        silent = self._is_silent or tag in _SILENT or given.get("translate") == "no"
        for name, value in attrs:
            if value and _SHOWN.match(name) and not (tag == "use" or (silent and tag not in _SILENT)):
                self.found.append((f"{tag} {name}", value))
        if tag == "input" and given.get("type") in ("submit", "button") and given.get("value"):
            self.found.append(("input value", given["value"] or ""))
        if tag not in _INLINE or "pill" in (given.get("class") or ""):
            self.lines.append("")
        if tag not in _VOID:
            self._open.append((tag, silent))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.lines.append("")
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        self.lines[-1] += "\ufffc" if self._is_silent else data
        if data.strip() and not self._is_silent:
            self.found.append((self._open[-1][0] if self._open else "", data.strip()))

    @property
    def _is_silent(self) -> bool:
        return bool(self._open) and self._open[-1][1]


def outside(html: str, allowed: re.Pattern[str]) -> list[tuple[str, str]]:
    """Return what of a page stands outside of ⟦ and ⟧ and has words: where, and which text.

    A message may hold elements, so that it ends in another text than it began in.
    """
    wrong, depth = [], 0
    for where, text in _Shown(html).found:
        is_text = " " not in where
        left, inside = _out(text, depth if is_text else 0)
        depth = inside if is_text else depth
        if re.search(r"[A-Za-z]{2,}", allowed.sub(" ", left)) and not (
            where == "bdi" and len(text.split()) < 2
        ):
            wrong.append((where, text))
    return wrong


_HAN = r"[\u3400-\u9fff]"
_CHINESE = r"[\u3400-\u9fff\u201d\uff09]"
_FULL = r"[\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01]"
_HALF = re.compile(
    rf"{_CHINESE}[,;:?!)(]|{_CHINESE}\.(?![\w./])|[,;:?!(][ ]*{_HAN}|{_FULL} +(?=[^\s\u00b7\ufffc])|[^\s\ufffc] +{_FULL}"
)


def half_width(html: str) -> set[str]:
    """Return what of a page has a half-width sign beside Chinese words, or a blank beside a full-width one."""
    page = _Shown(html)
    texts = [" ".join(line.split()) for line in page.lines]
    texts += [text for where, text in page.found if " " in where]
    return {
        text[max(match.start() - 20, 0) : match.end() + 20]
        for text in texts
        for match in _HALF.finditer(text)
    }


def _out(text: str, depth: int) -> tuple[str, int]:
    """Return what of a text stands outside, and how deep in messages it ends."""
    left = ""
    for sign in text:
        if sign == "⟦":
            depth += 1
        elif sign == "⟧":
            depth = max(depth - 1, 0)
            left += " "
        elif not depth:
            left += sign
    return left, depth
