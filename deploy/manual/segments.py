"""Chinese, which has no blanks, cut into words for the search: by the words that mqadmin's own pages are made of.

Material's search would use jieba for it: 19 MB, without a release since 2020. A manual of one product needs few
words, and they are in its catalogues. What is in none is cut into single signs, which the search finds together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from material.plugins.search import plugin as search

from deploy import messages

_RUN = re.compile(r"[\u3400-\u9fff]+")
_LENGTH = 2  # nearly all words have two signs, longer ones are two of them: 死信队列 is found by 队列 too
_BETWEEN = frozenset("的了着在是和与或个条名把被由它这")  # words by themselves, on whose sides others begin
_LANGUAGE = "zh_Hans"


def install() -> None:
    """Have Material's search plugin cut by this: it asks what it knows as `jieba`, where there is one."""
    search.jieba = _Cutter


class _Cutter:
    @staticmethod
    def cut(text: bytes) -> Iterator[str]:
        """Yield the words of a text in Chinese signs."""
        return cut(text.decode())


def cut(text: str) -> Iterator[str]:
    """Yield the words of a text: "死信队列的消息" -> 死信, 队列, 的, 消息."""
    known, at = words(), 0
    while at < len(text):
        length = _LENGTH if text[at : at + _LENGTH] in known else 1
        yield text[at : at + length]
        at += length


@cache
def words() -> frozenset[str]:
    """Return the words of two signs: parts of texts in the catalogues that are one, or two of them."""
    found = set[str]()
    for _name, _path, catalogue in messages.catalogues(_LANGUAGE):
        for message in messages.messages(catalogue):
            for run in _RUN.findall(" ".join(messages.strings(message))):
                if len(run) in (_LENGTH, 2 * _LENGTH) and _BETWEEN.isdisjoint(run):
                    found |= {run[:_LENGTH], run[-_LENGTH:]}
    return frozenset(found)
