"""Sentences that were stored in English, in the reader's language; and back to English where they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from django.template import Context, Template
from django.test import override_settings
from django.utils import translation

from deploy import message_sources, messages
from mqadmin.core import wording
from mqadmin.core.models import AuditEntry, Operation
from mqadmin.rabbit import errors
from tests.support import pseudo

pytestmark = [pytest.mark.any_version]

SAID = {
    "{where} cannot be reached: no answer in time.": "{where} 无法连接：没有及时应答。",
    "The broker {what}: {reply_text} ({reply_code}).": "服务器{what}：{reply_text}（{reply_code}）。",
    "closed the channel": "关闭了通道",
    "No connection after {attempts} attempts. The last: {named}": "尝试 {attempts} 次后仍未连上。最后一次：{named}",
    "Process {pid} was {reason}": "进程 {pid}：{reason}",
    "killed: it had not stopped after {seconds} s": "已强制结束：{seconds} 秒后仍未停止",
    "Purge %(queue)s": "清空 %(queue)s",
    "%(n)d %% of %(name)s": "%(name)s 的 %(n)d%%",
    "It is gone.": "它已不存在。",
}
COUNTED = {("%(n)s message moved", "%(n)s messages moved"): "已移动 %(n)s 条消息"}


@pytest.fixture(autouse=True)
def chinese(tmp_path: Path) -> Iterator[None]:
    catalogue = Catalog(locale="zh_Hans", fuzzy=False)
    for message, said in SAID.items():
        catalogue.add(message, said)
    for counted, said in COUNTED.items():
        catalogue.add(counted, (said,))
    place = tmp_path / "zh_Hans" / "LC_MESSAGES"
    place.mkdir(parents=True)
    (place / "django.mo").write_bytes(messages.compiled(catalogue))
    with override_settings(LOCALE_PATHS=[tmp_path]):
        pseudo.forget()
        with translation.override("zh-hans"):
            yield
    pseudo.forget()


@pytest.mark.any_database
@pytest.mark.parametrize(
    ("english", "said"),
    [
        (str(errors.from_reply(406, "FAILED - x", channel=True)), "服务器关闭了通道：FAILED - x（406）。"),
        ("Process 12 was killed: it had not stopped after 30 s", "进程 12：已强制结束：30 秒后仍未停止"),
        (
            "No connection after 3 attempts. The last: mq:5672 cannot be reached: no answer in time.",
            "尝试 3 次后仍未连上。最后一次：mq:5672 无法连接：没有及时应答。",
        ),
        ("mq:1 cannot be reached: no answer in time. It is gone.", "mq:1 无法连接：没有及时应答。它已不存在。"),
        ("Somebody's own words. It is gone.", "Somebody's own words. 它已不存在。"),
        ("1\u00a0284 messages moved", "已移动 1\u00a0284 条消息"),
        ("1 message moved", "已移动 1 条消息"),
        ("5 % of ab", "ab 的 5%"),
        ("5 % of what a stranger wrote", "5 % of what a stranger wrote"),
        ("1 message moved.", "已移动 1 条消息。"),
        ("Purge {queue} 100 % %(n)s", "清空 {queue} 100 % %(n)s"),
        ("nobody knows it", "nobody knows it"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_sentence_is_found_by_its_words_and_keeps_its_values(english: str, said: str) -> None:
    assert wording.worded(english) == said


@pytest.mark.any_database
@pytest.mark.parametrize("text", ["清空 orders", "尝试 3 次后仍未连上。最后一次：x 无法连接：没有及时应答。"])
def test_what_a_person_was_told_is_stored_in_english(text: str) -> None:
    assert re.sub("[ -~]", "", wording.stored(text)) == ""
    assert wording.worded(wording.stored(text)) == text


def test_rows_hold_english_and_are_english_where_they_are_read(db: None) -> None:
    operation = Operation.objects.create(kind="purge", summary="清空 orders", created_by="ann")
    Operation.objects.filter(pk=operation.pk).update(error="它已不存在。")
    operation.refresh_from_db()
    assert (operation.summary, operation.error) == ("Purge orders", "It is gone.")
    long = Operation.objects.create(kind="purge", summary=f"清空 {'o' * 297}", created_by="ann")
    long.refresh_from_db()
    assert long.summary == f"Purge {'o' * 294}"
    entry = AuditEntry.objects.create(actor="ann", action="x", reason="它已不存在。")
    assert AuditEntry.objects.filter(reason="It is gone.").get() == entry


@pytest.mark.any_database
def test_what_quotes_a_stranger_keeps_their_words() -> None:
    page = Template("{% load mqadmin %}{{ text|as_written }} {{ text|said }}")
    with translation.override("zh-hans"):
        shown = page.render(Context({"text": "It is gone."}))
    assert shown == "<bdi>It is gone.</bdi> <bdi>它已不存在。</bdi>"


@pytest.mark.any_database
def test_in_english_nothing_is_done() -> None:
    with translation.override("en"):
        assert wording.worded("It is gone.") == "It is gone."
        assert wording.stored("它已不存在。") == "它已不存在。"


@pytest.mark.any_database
def test_each_sentence_of_the_rooms_without_django_is_known_again() -> None:
    """Whatever its values are: also where two messages are alike, the one that was meant is found."""
    known = [item for part in messages.wanted().values() for item in part.values()]
    texts = [found.id if isinstance(found.id, str) else found.id[1] for found in known]
    pairs = [
        (text, f"⟦{number}:{''.join(wording._VALUE.findall(text) and _marks(text))}⟧")
        for number, text in enumerate(texts)
    ]
    book = wording._book(pairs, by_words=True)
    ours = [
        (number, text)
        for number, (text, item) in enumerate(zip(texts, known, strict=True))
        if any(file.startswith(message_sources.UNMARKED) for file in item.files) and "}{" not in text
    ]
    wrong = []
    for _number, text in ours:
        values = iter(range(100, 200))
        said = wording._VALUE.sub(lambda _match, values=values: str(next(values)), text)  # type: ignore[misc]
        found = wording._whole(book, said, 0)
        meant = texts[int(re.match(r"⟦(\d+):", found)[1])] if found else ""  # type: ignore[index]
        if _bare(meant) != _bare(text):
            wrong.append((text, meant))
    assert len(ours) > 500
    assert wrong == []


def _bare(text: str) -> str:
    """Return a message whatever its values are called: those that differ in nothing else say the same."""
    return wording._VALUE.sub("\0", text)


def _marks(text: str) -> list[str]:
    return [match[0] for match in wording._VALUE.finditer(text)]
