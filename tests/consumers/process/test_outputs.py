"""What processes print: what is new since a byte, the whole as a file, and the last lines of a crash."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from consumers.models import ConsumerEvent, ConsumerProcess, ScalePoint
from consumers.supervisor.machine import output
from tests.support.consumers import make_consumer, make_process, make_supervisor

pytestmark = pytest.mark.django_db

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}
EVIL = "<script>alert('x')</script>"


@pytest.fixture
def process(settings: Any, tmp_path: Path) -> ConsumerProcess:
    settings.VAR_DIR = tmp_path
    output.folder().mkdir()
    return make_process(make_consumer(name="orders", desired="running"), pid=4711)


def print_to(process: ConsumerProcess, text: str) -> None:
    with output.path(process.pk).open("a") as file:
        file.write(text)


def test_the_page_goes_on_from_the_last_byte(viewer: Client, process: ConsumerProcess) -> None:
    print_to(process, f"first {EVIL}\n")
    address = reverse("process_output", args=[process.pk])
    text = viewer.get(address).content.decode()
    position = int(re.findall(r'data-position="(\d+)"', text)[0])
    assert position == output.path(process.pk).stat().st_size
    assert "first &lt;script&gt;" in text

    print_to(process, f"second {EVIL}\n")
    news = viewer.get(address, {"since": str(position)}, headers=HX).content.decode()
    assert "first" not in news
    assert "second &lt;script&gt;" in news
    end = output.path(process.pk).stat().st_size
    assert f'data-from="{position}" data-to="{end}"' in news
    assert f'data-to="{end}"></pre>' in viewer.get(address, {"since": str(end)}, headers=HX).content.decode()


def test_too_much_at_once_is_said_to_be_left_out(viewer: Client, process: ConsumerProcess) -> None:
    print_to(process, "x" * 99 + "\n")
    print_to(process, ("y" * 99 + "\n") * 2_000)
    news = viewer.get(reverse("process_output", args=[process.pk]), {"since": "100"}, headers=HX)
    assert re.search(r"… \d+\s?kB left out …", news.content.decode().replace("\xa0", " "))


@pytest.mark.parametrize("since", ["", "-1", "x", "²", "9" * 40])
def test_a_position_that_is_none_begins_anew(viewer: Client, process: ConsumerProcess, since: str) -> None:
    print_to(process, "hello\n")
    response = viewer.get(reverse("process_output", args=[process.pk]), {"since": since}, headers=HX)
    assert response.status_code == 200


def test_all_of_it_is_a_file(viewer: Client, process: ConsumerProcess) -> None:
    address = reverse("process_download", args=[process.pk])
    assert viewer.get(address).status_code == 404
    print_to(process, f"{EVIL} ä\n" * 3)
    response = viewer.get(address)
    assert b"".join(response.streaming_content) == (f"{EVIL} ä\n" * 3).encode()  # type: ignore[arg-type,attr-defined]
    assert response["Content-Type"] == "text/plain; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="orders-host-a-4711.log"'


def test_a_host_cannot_write_headers(viewer: Client, process: ConsumerProcess) -> None:
    ConsumerProcess.objects.filter(pk=process.pk).update(host='evil"\r\nX-Evil: 1; ä')
    print_to(process, "hello\n")
    response = viewer.get(reverse("process_download", args=[process.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="orders-evil___X-Evil__1__?-4711.log"'


def test_the_api_goes_on_from_a_byte(api_of: Any, process: ConsumerProcess) -> None:
    print_to(process, "first\n")
    viewer, path = api_of("viewer"), f"/processes/{process.pk}/output"
    _status, body = viewer.call("GET", path, since=0)
    assert (body["text"], body["position"], body["skipped"]) == ("first\n", 6, 0)
    print_to(process, "second\n")
    assert viewer.call("GET", path, since=6)[1]["text"] == "second\n"
    assert viewer.call("GET", path)[1]["position"] is None


def test_a_crash_shows_its_last_lines_folded(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders")
    make = ConsumerEvent.objects.create
    make(consumer=consumer, at=timezone.now(), kind="crashed", text="exit 1", detail=f"{EVIL}\nlast line")
    make(consumer=consumer, at=timezone.now(), kind="scaled", text="Scaled from 1 to 2", detail='{"a": 1}')
    text = viewer.get(reverse("consumer_detail", args=["orders"])).content.decode()
    assert text.count("The last lines it printed") == 1
    assert "last line</pre>" in text
    assert EVIL not in text
    assert '<details class="printed" hx-morph-skip>' in text  # what is open stays open while the page lives


def test_autoscaling_is_drawn_with_its_decisions(viewer: Client) -> None:
    make_supervisor()
    consumer = make_consumer(name="orders", desired="running", autoscale_max=8, autoscaled=2)
    now = timezone.now()
    for n, backlog in ((1, 0), (4, 1200)):
        ScalePoint.objects.create(consumer=consumer, at=now, replicas=n, backlog=backlog)
    ConsumerEvent.objects.create(consumer=consumer, at=now, kind="scaled", text="Scaled from 1 to 4")
    address = reverse("consumer_scaling", args=["orders"])
    data = json.loads(viewer.get(address).content)
    waiting, replicas = data["series"]
    assert (waiting["shape"], waiting["y"]) == ("area", [0, 1200])
    assert (replicas["shape"], replicas["axis"], replicas["y"]) == ("steps", "right", [1, 4])
    assert len(data["x"]) == 2

    text = viewer.get(reverse("consumer_detail", args=["orders"])).content.decode()
    assert f'data-chart="{address}"' in text
    decisions = text[text.index('id="scale-decisions"') :]
    assert "Scaled from 1 to 4" in decisions[: decisions.index("</ol>")]
    assert "1 to 8 processes, so that the queue is empty within 5 min" in text
    make_consumer(name="plain")
    plain = viewer.get(reverse("consumer_detail", args=["plain"])).content.decode()
    assert "/plain/scaling/" not in plain
