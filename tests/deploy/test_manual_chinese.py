"""The manual in Simplified Chinese: as long as the English one, with its commands, in the words of the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import translation

from deploy import ROOT, messages
from deploy.manual import segments, words

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS / "zh-hans") for path in (DOCS / "zh-hans").rglob("*.md"))
each_page = pytest.mark.parametrize("page", PAGES, ids=str)

_FENCED = re.compile(r"^( *)(```|~~~).*?^\1\2$\n?", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]+`")
_TARGET = re.compile(r"\]\([^)\s]+\)")
_BOLD = re.compile(r"\*\*(.+?)\*\*", re.DOTALL)
_HAN = r"[\u3400-\u9fff\uff08\uff09\u201c\u201d]"
_HALF = re.compile(rf"(?<={_HAN})[,;:?!()](?!\S*`)|[,;:?!(](?={_HAN})|(?<={_HAN})\.(?=\s|$)")
# CommonMark sees no end of what is bold between a sign and a letter: code hosts would show the stars.
_SIGN, _LETTER = re.compile(r"[^\w\s`]"), re.compile(r"\w")


def pair(page: Path) -> tuple[str, str]:
    """Return the English page and the Chinese one."""
    return (DOCS / page).read_text(), (DOCS / "zh-hans" / page).read_text()


def prose(text: str) -> str:
    """Return a page without code, and without where its links lead."""
    return _TARGET.sub("]", _CODE.sub("", _FENCED.sub("", text)))


def shape(text: str) -> dict[str, int]:
    """Return how many there are of what a page has as often in any language."""
    text = _FENCED.sub("", text)
    patterns = {
        **{f"headings {level}": rf"^{'#' * level} " for level in (1, 2, 3, 4)},
        "steps": r"^ *\d+\. ",
        "points": r"^ *- ",
        "rows": r"^ *\|",
        "pictures": r"!\[",
        "made": r"<!-- made: ",
    }
    return {name: len(re.findall(pattern, text, re.MULTILINE)) for name, pattern in patterns.items()}


def test_there_are_those_that_a_new_user_needs() -> None:
    wanted = [
        DOCS / "index.md",
        *(path for name in ("begin", "howto", "reference") for path in (DOCS / name).iterdir()),
    ]
    assert sorted(path.relative_to(DOCS) for path in wanted) == PAGES


@each_page
def test_it_has_what_the_english_page_has(page: Path) -> None:
    english, chinese = pair(page)
    assert shape(chinese) == shape(english)


@each_page
def test_its_commands_are_those_of_the_english_page(page: Path) -> None:
    english, chinese = ([found[0] for found in _FENCED.finditer(text)] for text in pair(page))
    assert chinese == english


@each_page
def test_its_signs_are_full_width(page: Path) -> None:
    text = prose(pair(page)[1])
    assert [text[max(0, found.start() - 12) : found.end() + 12] for found in _HALF.finditer(text)] == []


@each_page
def test_what_is_bold_is_bold_on_a_code_host(page: Path) -> None:
    text = _FENCED.sub("", pair(page)[1])
    wrong = [
        found[0]
        for found in _BOLD.finditer(text)
        if (_SIGN.match(found[1][0]) and _LETTER.match(text[found.start() - 1]))
        or (_SIGN.match(found[1][-1]) and _LETTER.match(text[found.end() : found.end() + 1]))
    ]
    assert wrong == []


@pytest.fixture(scope="module")
def said() -> dict[str, set[str]]:
    """What the pages of mqadmin say in Chinese, by what they say in English."""
    found: dict[str, set[str]] = {}
    for _name, _path, catalogue in messages.catalogues("zh_Hans"):
        for message in messages.messages(catalogue):
            for text in (message.id,) if isinstance(message.id, str) else message.id:
                found.setdefault(text.rstrip("."), set()).update(
                    form.rstrip("。") for form in messages.strings(message)
                )
    return found


@each_page
def test_it_calls_buttons_and_fields_as_the_pages_do(page: Path, said: dict[str, set[str]]) -> None:
    """What is bold in English, and said so by a page of mqadmin, is bold in Chinese as that page says it."""
    english, chinese = (
        [" ".join(bold.split()) for bold in _BOLD.findall(_FENCED.sub("", text))] for text in pair(page)
    )
    bold = {part for text in chinese for part in (text, *re.split("[、，]", text))}
    bold = {part.rstrip("。") for part in bold}
    wanted = {part for text in english for part in (text, *text.split(", ")) if part in said}
    assert {part: said[part] for part in wanted if not said[part] & bold} == {}


def test_each_language_has_what_is_said_around_what_is_read_from_the_code() -> None:
    assert words.said("The queue") == "The queue"
    for language in words.WORDS:
        with translation.override(language):
            assert words.said("The queue") != "The queue"
            with pytest.raises(KeyError):
                words.said("What no language has.")


def test_words_are_cut_for_the_search() -> None:
    assert list(segments.cut("死信队列的消息")) == ["死信", "队列", "的", "消息"]
    assert list(segments.cut("重新入队")) == ["重新", "入队"]
