"""What templates print: numbers as people read them, and never markup from outside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.test import RequestFactory
from django.utils import timezone

from mqadmin.core import formats
from tests.core.conftest import make_user

HOSTILE = "\"'><script>alert(1)</script>"


def show(source: str, **context: Any) -> str:
    request = RequestFactory().get("/queues/?q=a&page=2")
    request.user = context.pop("user", AnonymousUser())
    return engines["django"].from_string(source).render(context, request)


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
        "{% post_button text text %}",
        "{% freshness_text text since %}",
    ],
)
@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_nothing_from_outside_becomes_markup(db: None, source: str, role: str) -> None:
    shown = show(source, text=HOSTILE, points=[1, 2], since="", user=make_user(role))
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


def test_pages_keep_the_filter_in_the_address() -> None:
    from django.core.paginator import Paginator

    shown = show("{% pager page %}", page=Paginator(range(250), 100).page(2))
    assert "101–200" in shown
    assert "?q=a&amp;page=1" in shown
    assert "?q=a&amp;page=3" in shown
