"""Below a path: no link, request, redirect or cookie of any page leaves it, and no address is misread."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import get_script_prefix, set_script_prefix

from mqadmin.base_path import base_path, below
from mqadmin.core.access import checks
from mqadmin.core.pages import rows_seen
from tests.core.conftest import HX, SignIn
from tests.support.addresses.pages import PAGES, everything
from tests.support.addresses.world import World
from tests.support.length import FULL

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.any_database]

BASE = "/tools/mq"
NOT_LINKS = {"value", "placeholder", "title", "content", "label", "alt", "datetime", "data-key", "data-unit"}
LINKS = re.compile(r"(?:href|src|action|formaction|hx-get|hx-post|data-url|data-chart|data-offers)$")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("", ""),
        ("/", ""),
        ("mq", "/mq"),
        ("/mq", "/mq"),
        ("/tools/mq/", "/tools/mq"),
        ("/~ann/m_q-1.0", "/~ann/m_q-1.0"),
    ],
)
def test_the_path_is_read_however_it_is_written(given: str, path: str) -> None:
    assert base_path({"MQADMIN_BASE_PATH": given}) == base_path({"SCRIPT_NAME": given}) == path
    assert base_path({"MQADMIN_BASE_PATH": given, "SCRIPT_NAME": "/other"}) == (path or "/other")


@pytest.mark.parametrize(
    "given", ["/a b", "/a//b", "/../a", "/a?b", "https://example.org/a", "/ä", "/a;b", "/."]
)
def test_what_is_no_path_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="MQADMIN_BASE_PATH is no path"):
        base_path({"MQADMIN_BASE_PATH": given})


@pytest.mark.parametrize(
    ("asked", "inside"),
    [
        ("/tools/mq/queues/", "/queues/"),
        ("/tools/mq/", "/"),
        ("/tools/mq", "/"),
        ("/queues/", "/queues/"),  # a proxy took it away; or something on this machine asks for /healthz
        ("/tools/mqtt/", "/tools/mqtt/"),
        ("/tools/mq/tools/mq/", "/tools/mq/"),
    ],
)
def test_the_path_is_taken_away_once(asked: str, inside: str) -> None:
    seen = []

    def application(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        seen.append(environ["PATH_INFO"])
        return []

    below(BASE, application)({"PATH_INFO": asked}, None)
    assert seen == [inside]
    assert below("", application) is application


def test_a_path_that_begins_as_our_addresses_is_refused(settings: Any) -> None:
    for path, refused in (("/queues", 1), ("/api/mq", 1), ("/static", 1), ("/tools/queues", 0), ("", 0)):
        settings.BASE_PATH = path
        assert len(checks.base_path()) == refused, path


@pytest.fixture
def under(settings: Any) -> Iterator[str]:
    """Everything below a path, as the settings have it for one."""
    before = get_script_prefix()
    settings.FORCE_SCRIPT_NAME = BASE
    settings.STATIC_URL = f"{BASE}/static/"
    settings.SESSION_COOKIE_PATH = settings.CSRF_COOKIE_PATH = BASE
    set_script_prefix(f"{BASE}/")
    rows_seen.forget()  # a row that another test drew has the address of there
    yield BASE
    rows_seen.forget()
    set_script_prefix(before)


class Links(HTMLParser):
    """The addresses in a page: attributes that hold one by their names, or look like one."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_link = LINKS.match(name) or (value or "").startswith("/")
            if value and is_link and name not in NOT_LINKS and not name.startswith("aria-"):
                self.found.append(value)


def leaves(address: str) -> bool:
    """Whether an address of a page leads out of the path. What has neither host nor path stays where it is."""
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc or parts.path) and not f"{parts.path}/".startswith(f"{BASE}/")


def one_of_each_kind(links: list[str]) -> list[str]:
    """Return one link of those to the same page with the same questions, whatever the answers are."""
    kinds = {}
    for link in links:
        parts = urlsplit(link)
        asked = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        kinds[parts.path, *sorted(asked)] = link
    return list(kinds.values())


def test_no_link_of_any_page_leaves_the_path(under: str, sign_in: SignIn, world: World) -> None:
    client, stray, links = sign_in("admin"), [], set()
    for page in everything():
        if PAGES[page.name][0] is None:
            continue
        inside = page.address(world).removeprefix(BASE)
        for headers in ({}, HX):
            response = client.get(inside, headers=headers)
            stray += _wrong_answer(page.name, response)
            if "html" in response.get("Content-Type", ""):
                found = Links(response.content.decode()).found
                stray += [(page.name, link) for link in found if leaves(link)]
                links.update(link.partition("#")[0] for link in found if link.startswith(f"{BASE}/"))
    assert stray == []
    pages = sorted(link for link in links if not link.startswith(f"{BASE}/static/"))
    assert len(pages) > 40
    broken = [
        link
        for link in (pages if FULL else one_of_each_kind(pages))
        if client.get(link.removeprefix(BASE)).status_code in (404, 500)
    ]
    assert broken == []


@pytest.mark.parametrize("who", ["anonymous", "admin"])
def test_no_redirect_and_no_cookie_of_any_act_leaves_the_path(
    under: str, who: str, sign_in: SignIn, world: World
) -> None:
    stray = []
    for page in everything():
        inside = page.address(world).removeprefix(BASE)
        for headers in ({}, HX):
            client = Client() if who == "anonymous" else sign_in(who)
            asks = [client.post]
            if who == "anonymous" or PAGES[page.name][0] is None:  # the others are opened above
                asks.append(client.get)
            for ask in asks:
                stray += _wrong_answer(page.name, ask(inside, headers=headers))
    assert stray == []


def _wrong_answer(name: str, response: Any) -> list[tuple[str, str]]:
    """What of an answer's headers leads out of the path."""
    sent = [response[header] for header in ("Location", "HX-Redirect") if header in response]
    cookies = [
        f"{cookie.key} {cookie['path']}" for cookie in response.cookies.values() if cookie["path"] != BASE
    ]
    return [(name, address) for address in sent if leaves(address)] + [(name, cookie) for cookie in cookies]


def test_one_comes_back_to_where_one_was(under: str, client: Client, db: None) -> None:
    response = client.get("/audit/")
    assert response["Location"] == f"{BASE}/login/?next={BASE}/audit/"
    response = client.get(
        "/audit/", headers={**HX, "HX-Current-URL": f"https://example.org{BASE}/audit/?page=2"}
    )
    assert response["HX-Redirect"] == f"{BASE}/login/?{urlencode({'next': f'{BASE}/audit/?page=2'})}"
    response = client.get("/audit/", headers={**HX, "HX-Current-URL": ""})
    assert response["HX-Redirect"] == f"{BASE}/login/?{urlencode({'next': f'{BASE}/'})}"


@pytest.mark.parametrize("address", ["/", "/audit/", "/tools/", "/tools/mqtt/"])
def test_next_does_not_lead_to_others_on_the_same_host(under: str, sign_in: SignIn, address: str) -> None:
    assert sign_in("viewer").post("/theme/", {"next": address})["Location"] == f"{BASE}/"
    assert sign_in("viewer").get("/login/", {"next": address})["Location"] == f"{BASE}/"
    assert sign_in("viewer").get("/login/", {"next": f"{BASE}/audit/"})["Location"] == f"{BASE}/audit/"


def test_faults_and_the_api_know_the_path(under: str, sign_in: SignIn) -> None:
    client = sign_in("viewer")
    assert client.get("/api/v1/nowhere").json()["code"] == "not_found"
    described = client.get("/api/v1/openapi.json").json()
    assert described["paths"]
    assert not [path for path in described["paths"] if not path.startswith(f"{BASE}/api/v1/")]
    assert f'data-url="{BASE}/api/v1/openapi.json"' in client.get("/api/v1/docs").text
    assert [link for link in Links(client.get("/nowhere/").text).found if leaves(link)] == []


Run = Callable[[str], dict[str, Any]]


@pytest.fixture
def settings_of(tmp_path: Any) -> Run:
    """What the settings are with a path, in a process of their own: they are read once."""
    names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_PATH", "CSRF_COOKIE_PATH", "STATIC_URL",
             "MQADMIN_BROWSER_COOKIE", "SECURE_REDIRECT_EXEMPT"]  # fmt: skip
    code = f"import json, mqadmin.settings as s; print(json.dumps({{name: getattr(s, name) for name in {names}}}))"

    def run(path: str) -> dict[str, Any]:
        environ = {**os.environ, "MQADMIN_BASE_PATH": path, "MQADMIN_VAR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    return run


def test_cookies_have_the_path_and_names_of_their_own(settings_of: Run) -> None:
    here, there = settings_of("/tools/mq"), settings_of("")
    assert (here["SESSION_COOKIE_PATH"], here["CSRF_COOKIE_PATH"], here["STATIC_URL"]) == (
        "/tools/mq", "/tools/mq", "/tools/mq/static/",
    )  # fmt: skip
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "MQADMIN_BROWSER_COOKIE"):
        assert here[name] != there[name]
        assert here[name] != settings_of("/tools")[name]
    assert re.search(here["SECURE_REDIRECT_EXEMPT"][0], "tools/mq/healthz")
    assert re.search(there["SECURE_REDIRECT_EXEMPT"][0], "healthz")
    assert there["SESSION_COOKIE_PATH"] == "/"
