"""Words, names and sentences are joined as the reader's language joins them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.template import Context, Template
from django.utils import translation

from mqadmin.core import wording
from mqadmin.core.pages import audited, prose
from mqadmin.deadletters.search.selection import Selection

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]


@pytest.fixture
def chinese() -> Iterator[None]:
    with translation.override("zh-hans"):
        yield


def drawn(template: str, **values: object) -> str:
    return Template(template).render(Context(values))


def test_in_english_they_have_blanks() -> None:
    assert prose.sentence_of(["It is running", "on rabbit@one"]) == "It is running, on rabbit@one."
    assert prose.listed(["a", "b"]) == "a, b"
    assert prose.clauses(["it runs", "", "it reads"]) == "it runs; it reads"
    assert prose.labelled("Retry", "3 times") == "Retry: 3 times"
    assert prose.labelled("Retry", "") == "Retry"
    assert prose.aside("purged orders", "12 messages") == "purged orders (12 messages)"
    assert prose.paragraph(["One.", None, "Two.", ""]) == "One. Two."
    assert drawn("{% told title text %}", title="Refused", text="a < b") == "<b>Refused.</b> a &lt; b"
    assert drawn("{% prose %}<b>One.</b> Two.{% endprose %}") == "<b>One.</b> Two."


@pytest.mark.usefixtures("chinese")
def test_in_chinese_they_have_its_signs_and_no_blank_behind_these() -> None:
    assert prose.sentence_of(["运行", "在 rabbit@one 上"]) == "运行，在 rabbit@one 上。"
    assert prose.listed(["a", "b"]) == "a、b"
    assert prose.clauses(["运行", "", "读取"]) == "运行；读取"
    assert prose.labelled("重试", "3 次") == "重试：3 次"
    assert prose.aside("清空 orders", "12 条") == "清空 orders（12 条）"
    assert prose.paragraph(["一。", None, "二。", "three.", "四。"]) == "一。二。three. 四。"
    assert prose.ended("拒绝？") == "拒绝？"
    assert drawn("{% told title text %}", title="拒绝", text="a < b") == "<b>拒绝。</b>a &lt; b"


@pytest.mark.usefixtures("chinese")
def test_gaps_are_closed_between_sentences_and_never_inside_of_a_name() -> None:
    assert (
        drawn("{% prose %}<b>一。</b>\n  <span>二。</span> 三{% endprose %}")
        == "<b>一。</b><span>二。</span>三"
    )
    assert drawn("{% prose %}{{ one|said }} 二{% endprose %}", one="一。") == "<bdi>一。</bdi>二"
    name = "第一。 第二"
    assert name in drawn("{% prose %}{{ one|name }} 二{% endprose %}", one=name)
    assert drawn("{% prose %}<code>一。 二</code> 三{% endprose %}") == "<code>一。 二</code> 三"


@pytest.mark.usefixtures("chinese")
def test_sentences_without_a_gap_are_still_stored_in_english() -> None:
    both = ("Nothing was done.", "They stay in the inbox.")
    said = prose.paragraph(map(wording.worded, both))
    assert said.count("\u3002") == 2
    assert " " not in said
    assert wording.stored(said) == " ".join(both)


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (Selection(broker="default", ids=(61, 62)).described(), "死信 61, 62"),
        ("letter 7 (m-1 from orders)", "死信 7（m-1，来自 orders）"),
        ("letter 7 (no message id from orders)", "死信 7（来自 orders）"),
        ("operation 5: Purge orders", "操作任务 5：清空 orders"),
        ("/:letters 61", "/:letters 61"),
        ("everybody", "所有人"),
    ],
)
def test_what_the_audit_log_names_is_worded_where_it_is_read(stored: str, shown: str) -> None:
    assert audited.target(stored) == stored
    with translation.override("zh-hans"):
        assert audited.target(stored) == shown


@pytest.mark.usefixtures("chinese")
def test_who_did_it_is_worded_where_it_was_no_person() -> None:
    assert audited.actor("retry rule") == "重试规则"
    assert audited.actor("ann") == "ann"
    assert (audited.via("shell"), audited.via("system"), audited.via("api")) == ("命令行", "系统", "api")
