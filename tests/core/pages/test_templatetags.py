"""What templates print: numbers as people read them, and never markup from outside."""

from __future__ import annotations

import math
import re
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import TemplateSyntaxError, engines
from django.test import RequestFactory
from django.utils import timezone

from mqadmin.core.hooks import Link
from mqadmin.core.pages import formats
from tests.core.conftest import make_user

HOSTILE = "\"'><script>alert(1)</script>"


def show(source: str, **context: Any) -> str:
    request = RequestFactory().get("/queues/?q=a&page=2")
    request.user = context.pop("user", AnonymousUser())
    return engines["django"].from_string(source).render(context, request)


def test_a_trace_leads_to_where_traces_are_looked_at(settings: Any) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    settings.MQADMIN_TRACE_URL = ""
    plain = show("{% trace id %}", id=trace)
    assert "<a " not in plain
    assert f'data-copy="{trace}"' in plain
    assert f">{trace}</code>" in plain
    settings.MQADMIN_TRACE_URL = "https://traces.example.com/?a=1&id={trace_id}"
    link = show("{% trace id %}", id=trace)
    assert f'href="https://traces.example.com/?a=1&amp;id={trace}"' in link
    assert 'rel="noopener noreferrer"' in link
    assert f'data-copy="{trace}"' in link
    assert HOSTILE not in show("{% trace id %}", id=HOSTILE)


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("number", 1284, "1 284"),
        ("number", 0, "0"),
        ("number", None, "–"),
        ("number", -12345, "-12 345"),
        ("short", 2431000, "2.43 M"),
        ("short", 99999, "99 999"),
        ("short", 1284000000, "1.28 G"),
        ("short", 123456, "123 k"),
        ("short", None, "–"),
        ("rate", 34.81, "34.8"),
        ("rate", 1839.6, "1 840"),
        ("rate", 0, "0"),
        ("rate", 6.0, "6"),
        ("rate", 0.04, "0.04"),
        ("rate", 99.97, "100"),
        ("rate", None, "–"),
        ("bytes", 532, "532 B"),
        ("bytes", 6871947673, "6.4 GB"),
        ("bytes", 215 * 1024**3, "215 GB"),
        ("bytes", None, "–"),
        ("duration", 0.412, "412 ms"),
        ("duration", 0.00001, "&lt; 1 ms"),
        ("duration", 0, "0 s"),
        ("duration", 1.5, "1.5 s"),
        ("duration", 41, "41 s"),
        ("duration", 103, "1 min 43 s"),
        ("duration", 3600, "1 h"),
        ("duration", 11400, "3 h 10 min"),
        ("duration", 3542400, "41 d"),
        ("duration", 176400, "2 d 1 h"),
        ("duration", 59.7, "1 min"),
        ("duration", -3, "0 s"),
        ("duration", None, "–"),
    ],
)
def test_numbers_read_well(text: str, value: float | None, expected: str) -> None:
    assert show("{{ value|" + text + " }}", value=value).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (61, "1 min"),
        (3599, "59 min"),
        (7300, "2 h"),
        (100_000, "27 h"),
        (3542400, "41 d"),
    ],
)
def test_ago_names_the_largest_unit(seconds: int, expected: str) -> None:
    now = timezone.now()
    assert formats.ago(now - timedelta(seconds=seconds), now) == expected


def test_ago_from_a_clock_ahead_of_ours_is_now() -> None:
    now = timezone.now()
    assert formats.ago(now + timedelta(seconds=9), now) == "0 s"


@pytest.mark.parametrize(
    "source",
    [
        "{{ text }}",
        "{% dot text text %}",
        "{% pill text text text %}",
        "{% code text %}",
        "{% meter 1 2 text text %}",
        "{% spark points text 96 24 text %}",
        "{% icon text %}",
        "{% action text text confirm=text typed=text key=text name=text value=text %}",
        "{% action text text icon_only=1 %}",
        "{% action text text kind='link' key=text %}",
        "{% action text kind='submit' name=text value=text %}",
        "{% action text text kind='link' disabled=text %}",
        "{% listing texts as row %}{% column row id=row %}{{ row }}{% cell row id=row %}{{ row }}{% endlisting %}",
        "{% post_button text text %}",
        "{% freshness_text text since %}",
    ],
)
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nothing_from_outside_becomes_markup(db: None, source: str, role: str) -> None:
    shown = show(source, text=HOSTILE, texts=[HOSTILE], points=[1, 2], since="", user=make_user(role))
    assert "<script" not in shown
    assert "\"'>" not in shown


def test_a_sparkline_keeps_the_value_over_a_gap() -> None:
    drawn = show("{% spark points 'red' 30 12 %}", points=[0, None, 10, 10])
    assert 'class="spark red"' in drawn
    assert 'points="0.0,10.0 10.0,10.0 20.0,2.0 30.0,2.0"' in drawn
    assert show("{% spark points %}", points=[None, 3, None]) == ""
    assert show("{% spark points %}", points=[]) == ""


def test_a_meter_is_empty_when_it_is_not_known() -> None:
    assert 'class="fill" width="0.0"' in show("{% meter none 5 %}", none=None)
    assert 'class="fill" width="120.0"' in show("{% meter 9 5 %}")
    assert 'class="fill" width="0.0"' in show("{% meter 3 0 %}")


def test_a_button_belongs_to_the_pages_form_and_asks_first(db: None) -> None:
    button = show(
        "{% action 'Purge 12' '/q/1/purge/' danger=1 confirm='Sure?' key='p' %}", user=make_user("operator")
    )
    for part in ('form="post"', 'formaction="/q/1/purge/"', 'hx-post="/q/1/purge/"', 'hx-swap="none"'):
        assert part in button
    assert 'data-confirm="Sure?"' in button
    assert 'data-key="p"' in button
    assert "aria-disabled" not in button


def test_a_button_without_the_right_says_why_and_does_nothing(db: None) -> None:
    button = show("{% action 'Define' '/x' needs='configure' %}", user=make_user("operator"))
    assert 'aria-disabled="true"' in button
    assert "This needs the role admin." in button
    assert "formaction" not in button
    reasoned = show("{% action 'Start' '/x' disabled='It runs.' %}", user=make_user("operator"))
    assert 'title="It runs."' in reasoned


@pytest.mark.parametrize("kind", ["post", "link", "submit"])
def test_a_denied_button_looks_the_same_whatever_it_would_do(db: None, kind: str) -> None:
    source = f"{{% action 'Move' '/x' kind='{kind}' icon='eye' primary=1 key='m' needs='operate' %}}"
    denied = show(source, user=make_user("viewer"))
    assert denied == show("{% action 'Move' '/x' icon='eye' primary=1 %}", user=make_user("viewer"))
    assert 'data-denied="This needs the role operator or admin."' in denied
    assert "/x" not in denied
    assert "data-denied" not in show(source, user=make_user("operator"))


def test_a_link_is_a_link_and_a_submit_button_belongs_to_its_own_form(db: None) -> None:
    user = make_user("operator")
    link = show("{% action 'Edit' '/q/1/' kind='link' icon='pencil' key='e' %}", user=user)
    assert link.startswith('<a class="btn btn-sm" href="/q/1/" data-key="e"><svg')
    submit = show("{% action 'Look' kind='submit' small=0 name='n' value='1' %}", user=user)
    assert submit == '<button type="submit" class="btn" name="n" value="1">Look</button>'


def test_a_button_is_drawn_from_what_describes_it(db: None) -> None:
    user = make_user("operator")
    link = show("{% button item %}", item=Link("Look", "/q/1/", primary=True), user=user)
    assert link == '<a class="btn btn-sm btn-primary" href="/q/1/">Look</a>'
    act = Link("Purge", "/q/1/purge/", post=True, needs="configure", confirm="Sure?")
    assert "This needs the role admin." in show("{% button item %}", item=act, user=user)
    assert 'data-confirm="Sure?"' in show("{% button item %}", item=act, user=make_user("admin"))


LISTING = """{% listing rows as row name=row.name %}<tr id="row-{{ row.n }}">
{% column "who" title=hint %}Who{% cell "dim" %}{{ name }}
{% column "num" sort=sort title="by number" %}How many{% cell aria_label=row.n %} {{ row.n }} {% endlisting %}"""


def test_a_column_is_head_and_cell_side_by_side() -> None:
    rows = [{"name": "ann", "n": 3}, {"name": "<b>", "n": 4}]
    sort = SimpleNamespace(href="?sort=n", direction="down")
    shown = " ".join(show(LISTING, rows=rows, sort=sort, hint="who it was").split())
    assert shown == (
        '<thead><tr><th class="who" title="who it was">Who</th><th class="num" aria-sort="descending">'
        '<a href="?sort=n" title="by number" class="sort">How many ↓</a></th></tr></thead> <tbody> '
        '<tr id="row-3"> <td class="who dim">ann</td><td class="num" aria-label="3">3</td> </tr> '
        '<tr id="row-4"> <td class="who dim">&lt;b&gt;</td><td class="num" aria-label="4">4</td> </tr> </tbody>'
    )


@pytest.mark.parametrize(
    "source",
    [
        "{% listing rows %}{% endlisting %}",
        "{% listing rows as row more %}{% endlisting %}",
        "{% listing rows as row %}{% column 'a' 'b' %}{% cell %}{% endlisting %}",
        "{% listing rows as row %}{% column 'a' %}no cell{% endlisting %}",
    ],
)
def test_a_listing_that_is_written_wrong_says_so(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        show(source, rows=[])


def test_pages_keep_the_filter_in_the_address() -> None:
    from django.core.paginator import Paginator

    shown = show("{% pager page %}", page=Paginator(range(250), 100).page(2))
    assert "101–200" in shown
    assert "?q=a&amp;page=1" in shown
    assert "?q=a&amp;page=3" in shown


def test_a_listing_shows_the_columns_that_somebody_chose_and_keeps_no_row_of_others() -> None:
    source = (
        "{% listing rows as row keep=row choice=chosen %}{% column 'a' key='first' %}A{% cell %}{{ row }}"
        "{% column 'b' key='second' %}B{% cell %}-{{ row }}{% column 'c' %}C{% cell %}!{% endlisting %}"
    )
    listing = engines["django"].from_string(source)

    def drawn(chosen: list[str] | None) -> str:
        html = listing.render({"rows": ["kept"], "chosen": chosen})
        return re.sub(r"<[^>]*>|\s", "", html)

    assert drawn(None) == "ABCkept-kept!"
    assert drawn(["second"]) == "BC-kept!"
    assert drawn([]) == "C!"
    assert drawn(["first", "none"]) == "ACkept!"


def test_a_row_is_kept_for_as_long_as_it_is_good() -> None:
    class Row:
        key, text, until = "good for long", "first", math.inf

    listing = engines["django"].from_string(
        "{% listing rows as row keep=row.key until=row.until %}"
        "{% column %}A{% cell %}{{ row.text }}{% endlisting %}"
    )
    row = Row()
    assert "first" in listing.render({"rows": [row]})
    row.text = "second"
    assert "first" in listing.render({"rows": [row]})
    row.key, row.until = "not good any more", time.time() - 1
    assert "second" in listing.render({"rows": [row]})
    row.text = "third"
    assert "third" in listing.render({"rows": [row]})
