"""What a message says reads well: numbers keep their blanks, and what a name hides is written out."""

from __future__ import annotations

from django.utils import translation

from mqadmin.alerts.models import Rule
from mqadmin.alerts.rules import built_in
from mqadmin.alerts.telling import verdicts
from tests.queues.pages.test_wording import NOW, SAID


def test_sentences_stand_in_a_message_as_they_stand_on_pages() -> None:
    for code, (params, _pattern) in SAID.items():
        reason = {"code": code, "level": "watch", "params": params, "since": NOW}
        assert "[U+" not in verdicts.sentences([reason])
        assert "[U+" not in verdicts.advice(reason, "queue")
    assert "\u00a0" in verdicts.many("no_consumers", 1284, "")
    said = "1\u00a0284 messages wait, 6.4\u00a0GB"
    assert verdicts.in_line(said) == said
    assert verdicts.in_line("from a\u202eb\u00a0c") == "from a[U+202E]b[U+00A0]c"


def test_a_rule_that_came_along_is_called_in_the_readers_language_and_a_persons_own_as_they_called_it() -> (
    None
):
    named = {"name": str(built_in.RULES["broker_away"]["name"])}
    theirs = Rule(**named)
    ours = Rule(built_in="broker_away", **named)
    assert ours.title == theirs.title == "A broker does not answer"
    with translation.override("zh-hans"):
        assert theirs.title == "A broker does not answer"
        assert ours.title == "代理没有响应"
