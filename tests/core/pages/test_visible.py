"""What cannot be seen is shown in its place: with markup in a text, without it elsewhere, not where it is sent."""

from __future__ import annotations

import pytest

from mqadmin.core import unseen
from mqadmin.core.pages import visible
from mqadmin.core.templatetags.mqadmin import name, said
from mqadmin.core.templatetags.prose import names

CHIP = '<span class="unseen" title="right-to-left override">U+202E</span>'


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<b>a\u202eb</b>", f"<b>a{CHIP}b</b>"),
        ("<b>[U+202E]</b>", "<b>[U+202E]</b>"),
        ('<b title="a\u202eb">x</b>', '<b title="a[U+202E]b">x</b>'),
        ('<b title="[U+202E]">x</b>', '<b title="[U+005B]U+202E]">x</b>'),
        ('<input value="a\u202e" aria-label=">\u202e">', '<input value="a\u202e" aria-label=">[U+202E]">'),
        ("<title>a\u202e</title><p>\u202e", f"<title>a[U+202E]</title><p>{CHIP}"),
        ('<option value="\u202e">\u202e</option>', '<option value="\u202e">[U+202E]</option>'),
        (
            "<svg><title>\u202e</title><text>\u202e</text></svg>",
            "<svg><title>[U+202E]</title><text>[U+202E]</text></svg>",
        ),
        (
            "<textarea>\u202e</textarea><script>\u202e</script>",
            "<textarea>\u202e</textarea><script>\u202e</script>",
        ),
        ("<p>12 of אב, 3</p>", "<p>12 of <bdi>אב</bdi>, 3</p>"),
        ('<p title="12 of אב, 3">', '<p title="12 of &#x2068;אב&#x2069;, 3">'),
        ("<pre>אב\u202e</pre>אב", f"<pre>אב{CHIP}</pre><bdi>אב</bdi>"),
        ("<p>1\xa0284\n2 < 3 \u202e</p>", f"<p>1\xa0284\n2 < 3 {CHIP}</p>"),
    ],
)
def test_a_page(html: str, shown: str) -> None:
    assert visible.page(html) == shown
    assert unseen.hides(html.encode())


def test_a_page_on_which_all_can_be_seen_is_left_as_it_is() -> None:
    html = '<p title="grüße">1\xa0284 – 漢字 🐇</p>'
    assert visible.page(html) == html
    assert not unseen.hides(html.encode())


def test_a_name_in_a_text() -> None:
    assert name("a<b") == "<bdi>a&lt;b</bdi>"
    assert name("a\u202e") == f"<bdi>a{CHIP}</bdi>"
    assert name("a ") == '<bdi>a<span class="unseen" title="space">U+0020</span></bdi>'
    assert name("pа") == '<bdi>p<span class="stranger" title="cyrillic small letter a">а</span></bdi>'
    assert names(["a", "<"]) == "<bdi>a</bdi>, <bdi>&lt;</bdi>"
    assert name(None) == "<bdi></bdi>"


def test_a_sentence_keeps_the_blanks_of_its_numbers() -> None:
    assert said("1\u00a0284 wait, 6.4\u00a0GB") == "<bdi>1\u00a0284 wait, 6.4\u00a0GB</bdi>"
    assert said("a\u202e waits") == f"<bdi>a{CHIP} waits</bdi>"
    assert said("a\u00a0b") == '<bdi>a<span class="unseen" title="no-break space">U+00A0</span>b</bdi>'
