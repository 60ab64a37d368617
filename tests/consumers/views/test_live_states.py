"""In Chromium: states change by themselves and in place, output comes as it is printed, what is open stays open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from consumers.models import Consumer, ConsumerEvent, ConsumerProcess, ScalePoint
from consumers.supervisor.machine import output
from tests.support.consumers import make_consumer, make_process, make_supervisor
from tests.support.waiting import patient

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium: Browser, live_server: Any) -> Iterator[Page]:
    """A page of a signed-in superuser; what the console complains of fails the test."""
    client = Client()
    client.force_login(
        User.objects.create_superuser("root"), backend="django.contrib.auth.backends.ModelBackend"
    )
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, base_url=live_server.url)
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    expect.set_options(timeout=patient(10) * 1000)
    yield opened
    assert complaints == []


def places(page: Page) -> list[Any]:
    """Return where each row of the table of processes is."""
    return [row.bounding_box() for row in page.locator(".processes tbody tr").all()]


def test_a_start_is_seen_from_the_first_click_on_and_no_row_jumps(page: Page) -> None:
    make_supervisor()
    make_consumer(name="orders", replicas=3)
    page.goto("/consumers/orders/", wait_until="networkidle")
    page.evaluate("document.fonts.ready")
    page.get_by_role("button", name="Start", exact=True).click()
    word = page.locator(".state-word")
    expect(word).to_have_text("starting")
    expect(page.locator(".processes tbody tr")).to_have_count(3)
    before = places(page)

    consumer = Consumer.objects.get()
    one, two, three = (make_process(consumer, state="starting", heartbeat_at=None) for _n in range(3))
    expect(page.locator("#replica-2 .pill").first).to_have_text("starting")
    assert places(page) == before
    failure = "exit 137, killed, probably out of memory, " * 5
    ConsumerProcess.objects.filter(pk=two.pk).update(
        state="backoff", exit_reason=failure, crashes=4, next_start_at=timezone.now()
    )
    expect(word).to_have_text("backoff")
    assert places(page) == before
    ConsumerProcess.objects.filter(pk=two.pk).update(state="lost", ended_at=timezone.now())
    make_process(consumer, replica=1)
    ConsumerProcess.objects.filter(pk__in=[one.pk, three.pk]).update(
        state="running", heartbeat_at=timezone.now(), connected_at=timezone.now(), connections=2
    )
    expect(word).to_have_text("running")
    assert places(page)[:3] == before
    expect(page.locator("#consumer-state")).to_have_attribute("data-live", "0.8")  # nothing is under way


def test_what_is_under_way_is_shown_without_a_reload(page: Page) -> None:
    """Tells how long it takes from the commit to the word on the page."""
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    process = make_process(consumer, state="connecting")
    page.goto("/consumers/orders/")
    expect(page.locator("#replica-0 .pill").first).to_have_text("connecting")
    took = []
    for n in range(5):
        state, shown = (("starting", "starting"), ("connecting", "connecting"))[n % 2]
        ConsumerProcess.objects.filter(pk=process.pk).update(state=state)
        began = time.monotonic()
        # Not `expect`, which looks at longer and longer intervals.
        page.wait_for_function("s => document.querySelector('#replica-0 .pill').textContent === s", arg=shown)
        took.append(time.monotonic() - began)
    print(f"shown after {sorted(took)[2]:.2f} s at the median")


def test_output_comes_as_it_is_printed_and_leaves_who_reads_alone(
    page: Page, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    output.folder().mkdir()
    process = make_process(make_consumer(name="orders", desired="running"))
    file = output.path(process.pk).open("a")
    file.write("".join(f"line {n}\n" for n in range(300)))
    file.flush()
    page.goto(f"/consumers/processes/{process.pk}/output/")
    text = page.locator("#output-text")
    is_at_end = "e => e.scrollHeight - e.scrollTop - e.clientHeight < 40"
    expect(text).to_contain_text("line 299")
    assert text.evaluate(is_at_end)

    file.write("line 300 <b>ä\n")
    file.flush()
    expect(text).to_contain_text("line 300 <b>ä")
    assert text.evaluate(is_at_end)
    text.evaluate("e => { e.scrollTop = 100; }")
    file.write("line 301\n")
    file.flush()
    expect(text).to_contain_text("line 301")
    assert text.evaluate("e => e.scrollTop") == 100
    shown = text.evaluate("e => e.textContent")
    assert shown == output.path(process.pk).read_text()  # nothing twice, nothing left out


def test_the_last_lines_of_a_crash_stay_open(page: Page) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running")
    make_process(consumer, state="connecting")
    crash = {"consumer": consumer, "at": timezone.now(), "kind": "crashed"}
    ConsumerEvent.objects.create(**crash, text="exit 1", detail="the last line")
    page.goto("/consumers/orders/")
    page.get_by_text("The last lines it printed").click()
    expect(page.get_by_text("the last line", exact=True)).to_be_visible()
    ConsumerEvent.objects.create(**crash, text="exit 2", detail="another line")
    expect(page.locator("#consumer-events").get_by_text("exit 2")).to_be_visible()
    expect(page.get_by_text("the last line", exact=True)).to_be_visible()
    expect(page.get_by_text("another line", exact=True)).to_be_hidden()


def test_autoscaling_is_drawn(page: Page) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", autoscale_max=4)
    for n in (1, 2, 4):
        ScalePoint.objects.create(consumer=consumer, at=timezone.now(), replicas=n, backlog=n * 100)
    page.goto("/consumers/orders/")
    expect(page.locator("#consumer-scaling canvas")).to_be_visible()
    expect(page.locator("#consumer-scaling .u-legend")).to_contain_text("processes")


def test_the_form_greys_what_autoscaling_decides(page: Page) -> None:
    page.goto("/consumers/new/")
    page.locator("details.section summary", has_text="Autoscale").click()
    least, replicas = page.locator("#id_autoscale_min"), page.locator("#id_replicas")
    hint = page.get_by_text("Autoscale decides, within its bounds below.")
    expect(least).to_be_hidden()
    expect(hint).to_be_hidden()
    page.fill("#id_autoscale_max", "8")
    expect(least).to_be_visible()
    expect(hint).to_be_visible()
    expect(replicas).to_have_css("opacity", "0.55")
    page.fill("#id_autoscale_max", "0")
    expect(least).to_be_hidden()
    expect(replicas).to_have_css("opacity", "1")
