"""Dead letters in Chromium: hex that is typed, shown and stored; a dry run that keeps the focus."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.deadletters.factories import died, letter

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]


def test_hex_is_shown_typed_blamed_and_stored(operator_page: Page) -> None:
    page = operator_page
    one = letter(b"\xff\x00hello", message_id="bin-1")
    page.goto(f"/dead-letters/{one.pk}/")
    expect(page.locator(".payload.hex")).to_contain_text("00000000  ff 00 68 65 6c 6c 6f")
    expect(page.locator(".payload.hex i")).to_have_text("..hello")
    page.get_by_role("link", name="Edit & requeue").click()
    body = page.get_by_label("Body", exact=True)
    expect(body).to_have_value("ff 00 68 65 6c 6c 6f")
    body.fill("ff 00\n68 6x")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Line 2, column 5: “x” is no hex digit.")
    expect(body).to_be_focused()
    assert body.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)") == "x"
    body.fill("c3 a9 0d 0a 21")
    page.get_by_role("button", name="Show the changes").click()
    expect(page.locator(".diff ins")).to_contain_text("c3 a9 0d 0a 21")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url("**/dead-letters/?letter=*")
    one.refresh_from_db()
    assert bytes(one.body) == b"\xc3\xa9\r\n!"


def test_the_dry_run_keeps_the_focus_where_it_is(operator_page: Page) -> None:
    page = operator_page
    one = letter(message_id="m-1")
    page.goto(f"/dead-letters/{one.pk}/")
    page.get_by_role("link", name="Elsewhere…").click()
    chosen = page.get_by_label("Back to the queue each died in")
    expect(chosen).to_be_visible()
    chosen.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Exchange", exact=True)).to_be_visible()
    expect(page.get_by_label("Somewhere else")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#decide")).not_to_be_visible()


def test_a_forged_count_of_deaths_stays_in_its_column(operator_page: Page) -> None:
    headers = died()
    headers["x-death"][0]["count"] = 2**62
    letter(headers=headers, message_id="forged")
    letter(message_id="many", death_count=99_999)
    page = operator_page
    for width in (800, 1000, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/dead-letters/")
        cells = page.locator("td.deaths")
        expect(cells).to_have_text(["99\xa0999×", "2.15\xa0G×"])
        for cell in cells.all():
            assert cell.evaluate(WRITTEN_OUTSIDE) <= 0, f"at {width} px"
        expect(cells.nth(1)).to_have_attribute("title", "2\xa0147\xa0483\xa0647")


# How far the text of a cell reaches beyond it, in pixels, and whether some of it is cut off.
WRITTEN_OUTSIDE = """cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    const text = range.getBoundingClientRect(), box = cell.getBoundingClientRect();
    return Math.max(box.left - text.left, text.right - box.right, cell.scrollWidth - cell.clientWidth);
}"""


def test_one_keeps_the_headers_of_a_framework(operator_page: Page, vhost: str) -> None:
    page = operator_page
    rebus = {"rbs2-error-details": "late", "rbs2-source-queue": "orders"}
    one = letter(vhost=vhost, headers={**died(), **rebus})
    page.goto(f"/dead-letters/{one.pk}/")
    page.get_by_role("link", name="Elsewhere…").click()
    expect(page.locator("#decide .without")).to_contain_text("rbs2-error-details, rbs2-source-queue")
    keep = page.get_by_label("Keep the headers in which another framework tells of the failure")
    keep.check()
    expect(page.locator("#decide .without")).not_to_contain_text("rbs2-")
    expect(keep).to_be_checked()
    expect(page.locator("#decide form[method=post] [name=keep_headers]")).to_have_value("1")


def test_a_trace_is_copied_and_where_that_is_not_allowed_selected(operator_page: Page) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    one = letter(headers={**died(), "traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    page = operator_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/dead-letters/{one.pk}/")
    copy = page.get_by_role("button", name="Copy the trace id")
    copy.click()
    expect(page.locator("#toasts")).to_contain_text("The trace id is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == trace
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('http')); }")
    copy.click()
    page.wait_for_function(f"getSelection().toString() === '{trace}'")
