"""A list is asked for once for all; who holds a virtual host sees, counts, finds and is offered what is in it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mqadmin.administration.listing import kinds, packing, reading, tables
from mqadmin.administration.listing.kinds import Kind, Name
from mqadmin.administration.models import Listing, Packed
from mqadmin.core.api import tokens
from mqadmin.core.models import Grant
from mqadmin.core.permissions import rights
from mqadmin.core.rights.asking import Asking, asks
from mqadmin.core.rights.rules import Rights, Rule
from tests.core.conftest import HX

pytestmark = [pytest.mark.usefixtures("no_broker"), pytest.mark.django_db, pytest.mark.any_version]

PAGES = {
    "bindings": ("binding_list", "bindings"),
    "channels": ("open_channel_list", "open-channels"),
    "connections": ("connection_list", "connections"),
    "exchanges": ("exchange_list", "exchanges"),
    "federation_links": ("federation_link_list", "federation/links"),
    "federation_sets": ("federation_set_list", "federation/sets"),
    "federation_upstreams": ("federation_upstream_list", "federation/upstreams"),
    "limits": ("limit_list", "limits"),
    "parameters": ("parameter_list", "parameters"),
    "permissions": ("permission_list", "permissions"),
    "policies": ("policy_list", "policies"),
    "shovels": ("shovel_list", "shovels"),
    "topic_permissions": ("topic_permission_list", "topic-permissions"),
    "vhosts": ("vhost_list", "vhosts"),
}
OF_BROKER = {"deprecated-features", "feature-flags", "nodes", "stops", "upgrade", "users"}
_EMPTY = {
    "bool": False,
    "int": 0,
    "float": 0.0,
    "list": [],
    "dict": {},
    "tuple": [],
    "Sequence": [],
    "Mapping": {},
}


def row(kind: Kind, vhost: str) -> Any:
    """Return a row of a kind whose texts all tell where it is."""
    values: dict[str, Any] = {}
    for item in fields(kind.row):
        text = str(item.type)
        empty = next((value for start, value in _EMPTY.items() if text.startswith(start)), f"{vhost}-thing")
        values[item.name] = None if "None" in text else empty
    values |= {name: vhost for name in ("vhost",) if name in values}
    if kind.name == "vhosts":
        values["name"] = vhost
    if kind.name == "limits":
        values |= {"of": "vhost", "name": vhost}
    if kind.name == "bindings":
        values["destination_type"] = "queue"
    if kind.name == "parameters":
        values["value"] = f'"{vhost}-thing"'
    return kind.row(**values)


def listed(kind: Kind) -> Listing:
    """Keep a list with a row in each of two virtual hosts, as if it were asked for just now."""
    packed = packing.pack(kind, [row(kind, "shop"), row(kind, "bank")])
    now = timezone.now()
    found = Listing.objects.create(
        broker="default",
        kind=kind.name,
        digest=packed.digest,
        count=packed.count,
        total=packed.count,
        taken_at=now,
        asked_at=now,
        wanted_at=now,
    )
    Packed.objects.create(listing=found, digest=packed.digest, rows=packed.data)
    return found


def seen(name: str, *rules: Rule) -> int:
    """Return how many rows somebody sees who has these rules."""
    kind = kinds.kind(name)
    assert kind is not None
    with asks(Asking(lambda: ("ann", Rights((rules,))))):
        return len(reading.look("default", kind).rows())


@pytest.fixture(autouse=True)
def lists(db: None) -> None:
    tables.forget()
    for name in get_args(Name):
        kind = kinds.kind(name)
        assert kind is not None
        listed(kind)


def team(vhost: str, **grant: Any) -> User:
    user = User.objects.create_user(f"of-{vhost}")
    group = Group.objects.create(name=f"{vhost} team")
    Grant.objects.create(group=group, **{"broker": "default", "vhost": vhost, "level": 3, **grant})
    user.groups.add(group)
    return user


def test_each_list_says_of_what_its_rows_are() -> None:
    assert set(PAGES) | OF_BROKER == set(get_args(Name))
    for name in get_args(Name):
        kind = kinds.kind(name)
        assert kind is not None
        assert set(kind.placed_by) <= set(kind.columns), name
        assert bool(kind.placed_by) is (name in PAGES), name


@pytest.mark.parametrize("name", get_args(Name))
def test_rows_of_theirs(name: str) -> None:
    assert seen(name, Rule("default", "shop")) == (0 if name in OF_BROKER else 1)
    assert seen(name, Rule("default", "s*"), Rule("default", "bank")) == (0 if name in OF_BROKER else 2)
    assert seen(name, Rule("default")) == 2
    assert seen(name, Rule("other")) == 0
    # A queue alone is no virtual host; but a binding is of the queue that it leads to.
    assert seen(name, Rule("default", "*", "shop-*")) == (1 if name == "bindings" else 0)
    kind = kinds.kind(name)
    assert kind is not None
    assert len(reading.look("default", kind).rows()) == 2  # nobody asks: all of it


def test_they_are_seen_counted_found_and_offered_on_pages_and_by_calls() -> None:
    user = team("shop", level=1)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    headers = {"Authorization": f"Bearer {tokens.create(user=user)}"}
    wrong = []
    for kind, (view, path) in PAGES.items():
        page = client.get(reverse(view), {"broker": "default"})
        fragment = client.get(reverse(view), {"broker": "default"}, headers=HX)
        one = client.get(reverse(view), {"broker": "default", "q": "vhost:bank"})
        offers = client.get(reverse("list_complete", args=[kind]), {"broker": "default", "q": "vhost:"})
        called = client.get(f"/api/v1/{path}", {"broker": "default"}, headers=headers)
        for what, response in (("page", page), ("part", fragment), ("one", one), ("offers", offers)):
            if response.status_code != 200 or "bank-" in response.text or ">bank<" in response.text:
                wrong.append((kind, what, response.status_code))
        if "shop" not in page.text or "shop" not in fragment.text:
            wrong.append((kind, "theirs", page.status_code))
        found = called.json()
        if found.get("total") != 1 or "bank" in called.text:
            wrong.append((kind, "call", found))
    assert wrong == []


def test_what_is_of_the_whole_broker_is_not_told() -> None:
    client = Client()
    client.force_login(team("shop"), backend="django.contrib.auth.backends.ModelBackend")
    for view in ("user_list", "node_list", "flag_list", "deprecated_list", "upgrade", "node_checks"):
        assert client.get(reverse(view), {"broker": "default"}).status_code == 403, view
    for view, names in (
        ("vhost_detail", {"name": "bank"}),
        ("exchange_detail", {"vhost": "bank", "name": "x"}),
    ):
        assert client.get(reverse(view), {"broker": "default", **names}).status_code == 404, view
    # What is named twice must be theirs both times: one is looked at, and the other one done.
    address = f"{reverse('binding_new')}?broker=default&vhost=bank&name=x"
    assert client.post(address, {"vhost": "shop", "destination": "q"}).status_code == 404
    # Charts by a name that does not tell of which virtual host it is.
    for kind in ("connections", "channels"):
        address = reverse("noun_past", args=[kind])
        assert client.get(address, {"broker": "default", "name": "bank-thing"}).status_code == 404
        assert client.get(address, {"broker": "default", "name": "shop-thing"}).status_code == 503


def test_a_token_sees_less_than_its_account() -> None:
    user = team("*", level=1)
    made = tokens.make(user=user)
    made[0].__class__.objects.filter(pk=made[0].pk).update(vhost="bank")
    headers = {"Authorization": f"Bearer {made[1]}"}
    found = Client().get("/api/v1/exchanges", {"broker": "default"}, headers=headers).json()
    assert [item["vhost"] for item in found["items"]] == ["bank"]
    assert rights(user).level("default", "shop") == 1
