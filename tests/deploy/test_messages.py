"""The catalogues: what the code says and no more, each translation with the values of its original, all there."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from babel.messages.catalog import Message

from deploy import message_sources, messages

pytestmark = [pytest.mark.any_database, pytest.mark.any_version]

# How many messages have no translation yet. It may only become smaller; 0 is where it ends.
MISSING = {"zh_Hans": 0}

_VALUES = re.compile(r"%\((\w+)\)[-+ 0#]*\d*(?:\.\d+)?[sdifgr]|%[sd](?![a-z])|\{\w+\}|%%")
each_language = pytest.mark.parametrize("language", messages.languages())


@pytest.fixture(scope="module")
def wanted() -> dict[str, dict[messages.Key, message_sources.Found]]:
    return messages.wanted()


def every(language: str) -> list[Message]:
    return [
        message
        for _name, _path, catalogue in messages.catalogues(language)
        for message in messages.messages(catalogue)
    ]


def forms(message: Message) -> list[tuple[str, str]]:
    """Each translation beside the text that it is of: a plural's last form stands for "many"."""
    if isinstance(message.id, str):
        return [(message.id, str(message.string))]
    return [(message.id[1], form) for form in message.string]


@each_language
def test_they_are_what_make_messages_makes_of_the_code(
    language: str, wanted: dict[str, dict[messages.Key, message_sources.Found]]
) -> None:
    made = messages.merged(language, wanted)
    there = {name: path.read_bytes() for name, path, _catalogue in messages.catalogues(language)}
    stale = [
        name for name in {*made, *there} if name not in made or messages.text(made[name]) != there.get(name)
    ]
    assert stale == [], "run `make messages`"


@each_language
def test_what_django_reads_is_what_was_translated(language: str) -> None:
    stale = [
        name
        for name, path, catalogue in messages.catalogues(language)
        if path.with_suffix(".mo").read_bytes() != messages.compiled(catalogue)
    ]
    assert stale == [], "run `make messages`"


@each_language
def test_each_translation_has_the_values_of_its_original(language: str) -> None:
    wrong = []
    for message in every(language):
        if messages.is_missing(message):
            continue
        for original, translated in forms(message):
            one, other = (
                Counter(match[0] for match in _VALUES.finditer(text)) for text in (original, translated)
            )
            # A plural may leave out how many there are; what is said twice may be said once.
            if set(one) != set(other):
                wrong.append((original, translated))
    assert wrong == []


@each_language
def test_each_translation_begins_and_ends_with_the_blanks_of_its_original(language: str) -> None:
    """Parts of a sentence are put together; a line that ends a text ends its translation."""
    wrong = [
        (original, translated)
        for message in every(language)
        if not messages.is_missing(message)
        for original, translated in forms(message)
        if original.endswith("\n") != translated.endswith("\n")
    ]
    assert wrong == []


@each_language
def test_none_is_unsure(language: str) -> None:
    assert [message.id for message in every(language) if message.fuzzy] == []


@each_language
def test_those_that_are_missing_become_fewer(language: str) -> None:
    missing = sum(map(messages.is_missing, every(language)))
    assert missing <= MISSING[language]


def test_what_is_given_to_gettext_can_be_gathered() -> None:
    text = (
        "x = f\"a {_('b')} c\"\ny = ngettext('%(n)d d', '%(n)d ds', 2)\nz = pgettext('of a day', 'e' 'f')\n"
    )
    found = {item.key: item.id for item in message_sources.marked(text, "x.py")}
    assert found == {("", "b"): "b", ("", "%(n)d d"): ("%(n)d d", "%(n)d ds"), ("of a day", "ef"): "ef"}
    with pytest.raises(ValueError, match=r"x\.py:1"):
        list(message_sources.marked('_("a" if x else "b")', "x.py"))


def test_a_value_of_a_sentence_in_a_template_is_filtered_where_it_is_given() -> None:
    right = "{% blocktranslate with why=letter.why|worded %}It stays: {{ why }}{% endblocktranslate %}"
    assert [item.id for item in message_sources.of_template(right, "x.html")] == ["It stays: %(why)s"]
    for value in ("why|worded", "letter.why"):
        wrong = "{% blocktranslate %}It stays: {{ " + value + " }}{% endblocktranslate %}"
        with pytest.raises(ValueError, match=r"x\.html: %\("):
            list(message_sources.of_template(wrong, "x.html"))


def test_a_room_without_django_marks_nothing() -> None:
    text = '''
def told(child, log, x):
    """It says nothing to people."""
    log.info("a line of a log %s", x)
    if x == "not a sentence":
        raise ValueError(f"Process {child.pid} was {'killed at once' if x else 'ended'} after {x:.1f} s")
    return re.compile("looks for this")
'''
    found = {str(item.id) for item in message_sources.unmarked(text, "x.py")}
    assert found == {"Process {pid} was {value} after {x} s", "killed at once"}
