"""What a broker is made of, in Chromium, under a name that is hard to show: made, seen in its list, changed where
that can be, taken away."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from playwright.sync_api import Locator, Page, expect

from mqadmin.core import brokers
from mqadmin.rabbit.errors import NotFound
from tests.support.length import FULL
from tests.support.management import Management
from tests.support.waiting import patient, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.broker, pytest.mark.django_db(transaction=True)]

# What addresses, markup, quotes and the eye stumble over; 255 bytes, as long as RabbitMQ takes one.
HARD = "a/b %2F <b>\"'\u202e"
MARK = f"zz{secrets.token_hex(3)}"  # every name begins so: the lists of a shared broker are searched for it
NAME = f"{MARK} {HARD} ".ljust(253, "w")


@dataclass(frozen=True)
class Change:
    """`ways`: what is clicked in the list until the form; `given`: its fields; `path`: where the broker tells of it
    in its API, and `told`: what it says then, among more."""

    ways: tuple[str, ...]
    given: dict[str, str]
    path: tuple[str, ...]
    told: dict[str, Any]


@dataclass(frozen=True)
class Noun:
    """`form`: where it is made, `{v}` being the virtual host and `{n}` the name; `given`: fields and what they get;
    `listed`: its list; `ways`: what is clicked there, one after the other, until the dialog that takes it away."""

    form: str
    listed: str
    ways: tuple[str, ...]
    given: dict[str, str] = field(default_factory=dict)
    change: Change | None = None


DELETE = ("row", "Delete")
CHANGE = ("row", "Change")
POLICY = {"vhost": NAME, "name": NAME, "pattern": "^zz", "key-max-length": "7"}
# In the order in which they are made; they are taken away from the last to the first.
NOUNS = {
    "virtual host": Noun(
        "/vhosts/new/",
        "/vhosts/",
        DELETE,
        {"name": NAME, "description": HARD},
        Change(CHANGE, {"description": "another"}, ("vhosts", NAME), {"description": "another"}),
    ),
    "user": Noun(
        "/users/new/",
        "/users/",
        DELETE,
        {"name": NAME},
        Change(("row", "Tags"), {"other_tags": "shop"}, ("users", NAME), {"tags": ["shop"]}),
    ),
    "permission": Noun(
        "/permissions/set/?user={n}&vhost={v}",
        "/permissions/",
        ("row", "Take away"),
        {"read_how": "everything"},
        Change(
            CHANGE, {"write_how": "everything"}, ("permissions", NAME, NAME), {"write": ".*", "read": ".*"}
        ),
    ),
    "topic permission": Noun(
        "/permissions/topics/set/?user={n}",
        "/permissions/topics/",
        ("row", "Take away"),
        {"vhost": NAME},
        Change(CHANGE, {"read_how": "everything"}, ("topic-permissions", NAME, NAME), {"read": ".*"}),
    ),
    "limit": Noun(
        "/limits/set/?of=vhost&name={v}",
        "/limits/",
        ("Take away",),
        {"limit": "max-queues", "value": "9"},
        Change(
            ("row", "Set a limit"),
            {"limit": "max-queues", "value": "8"},
            ("vhost-limits", NAME),
            {"value": {"max-queues": 8}},
        ),
    ),
    "exchange": Noun("/exchanges/new/", "/exchanges/", DELETE, {"vhost": NAME, "name": NAME}),
    "queue": Noun("/queues/new/", "/queues/", ("row", "Delete…"), {"vhost": NAME, "name": NAME}),
    "binding": Noun(
        "/bindings/new/?vhost={v}&name={n}",
        "/bindings/",
        ("row", "Unbind"),
        {"destination": NAME, "routing_key": NAME},
    ),
    "policy": Noun(
        "/policies/new/",
        "/policies/",
        DELETE,
        POLICY,
        Change(CHANGE, {"priority": "3"}, ("policies", NAME, NAME), {"priority": 3, "pattern": "^zz"}),
    ),
    "operator policy": Noun(
        "/policies/new/?kind=operator",
        "/policies/?q=is:operator",
        DELETE,
        POLICY,
        Change(
            CHANGE, {"priority": "3"}, ("operator-policies", NAME, NAME), {"priority": 3, "pattern": "^zz"}
        ),
    ),
    "parameter": Noun(
        "/parameters/new/",
        "/parameters/?q=is:global",
        ("Delete",),
        {"vhost": "", "name": NAME, "value": '{"a": "b"}'},
        Change(("Change",), {"value": '{"a": "c"}'}, ("global-parameters", NAME), {"value": {"a": "c"}}),
    ),
    "shovel": Noun(
        "/shovels/new/",
        "/shovels/",
        ("Delete",),
        {
            "vhost": NAME,
            "name": NAME,
            "src_queue": NAME,
            "dest_uri": "amqp://127.0.0.1:1",
            "dest_queue": NAME,
        },
        Change(
            ("Change",),
            {"src_prefetch_count": "7"},
            ("parameters", "shovel", NAME, NAME),
            {"value": {"src-prefetch-count": 7, "src-queue": NAME, "dest-queue": NAME}},
        ),
    ),
}


# The others are the same form and the same dialog: at full length.
SHORTLY = ("virtual host", "user", "limit", "exchange", "queue", "binding", "policy")
TRIED = {called: noun for called, noun in NOUNS.items() if FULL or called in SHORTLY}


@pytest.fixture
def page(operator_page: Page, management: Management) -> Iterator[Page]:
    """A page of an admin. What a failed test left on the broker goes afterwards."""
    brokers.forget()
    User.objects.get(username="olga").groups.add(Group.objects.get(name="admin"))
    expect.set_options(timeout=patient(20) * 1000)
    yield operator_page
    for path in (("vhosts", NAME), ("users", NAME), ("global-parameters", NAME)):
        with contextlib.suppress(NotFound):
            management.call("DELETE", *path)


def fill(page: Page, given: dict[str, str]) -> None:
    """Fill a form's fields by their names, also those that are folded away, and send it."""
    page.locator("form.define details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    for name, value in given.items():
        box = page.locator(f"form.define [name='{name}']")
        if box.evaluate("(one) => one.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)
    page.locator("form.define .decide button").first.click()


def rows(page: Page, noun: Noun) -> Locator:
    """Open a noun's list, searched for what is made here; return its rows of that name."""
    address, _, query = noun.listed.partition("?q=")
    page.goto(f"{address}?q={quote(f'{query} {MARK}'.strip())}")
    return page.locator("main tbody tr").filter(
        has=page.locator("td.name > a, td.name > b", has_text=re.compile(f"^{MARK}"))
    )


def follow(page: Page, found: Locator, ways: tuple[str, ...]) -> None:
    for step in ways:
        if step == "row":
            found.locator("td.name a").first.click()
        else:
            page.get_by_role("link", name=step, exact=True).last.click()


def change(page: Page, management: Management, found: Locator, change: Change, called: str) -> None:
    """Change it by clicks; it is changed when the broker says so, and what was not touched stays."""
    follow(page, found, change.ways)
    fill(page, change.given)
    expect(page.locator(".toast-line.success").first, called).to_be_visible()
    told = management.read(*change.path)
    told = told[0] if isinstance(told, list) else told
    assert has(told, change.told), (called, told)


def has(told: Any, wanted: Any) -> bool:
    """Whether a table has what is wanted, and so do the tables in it."""
    if isinstance(wanted, dict):
        return all(name in told and has(told[name], value) for name, value in wanted.items())
    return bool(told == wanted)


@pytest.mark.timeout(300)
def test_each_is_made_seen_changed_and_taken_away_by_clicks(page: Page, management: Management) -> None:
    addresses = {"v": quote(NAME, safe=""), "n": quote(NAME, safe="")}
    for called, noun in TRIED.items():
        page.goto(noun.form.format(**addresses))
        fill(page, noun.given)
        expect(page.locator(".toast-line.success, .made").first, called).to_be_visible()
        found = rows(page, noun)
        expect(found, called).to_have_count(1)
        # The sign that would turn the line is shown as a sign, and the markup as text.
        expect(found.locator(".unseen").first, called).to_have_text("U+202E")
        assert (
            found.locator("td.name").first.inner_text().replace("\n", "").startswith(f"{MARK} a/b %2F <b>\"'")
        ), called
        if noun.change is not None:
            change(page, management, found, noun.change, called)
    for called, noun in reversed(TRIED.items()):
        found = rows(page, noun)
        follow(page, found, noun.ways)
        page.locator("form.define .decide button").first.click()
        expect(page.locator(".toast-line.success").first, called).to_be_visible()
        if called == "queue":  # its row goes with the monitor's next sample, which nobody takes here
            assert management.read("queues", NAME) == []
        else:
            wait_until(lambda noun=noun: rows(page, noun).count() == 0, 20, what=f"the {called} to go")
