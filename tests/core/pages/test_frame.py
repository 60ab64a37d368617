"""The frame of every page: which broker, which environment, how fresh, and what is waiting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from mqadmin.core import brokers, hooks
from tests.core.conftest import HX, SignIn

TWO = """
[brokers.orders]
title = "Orders <b>"
amqp_url = "amqp://guest:topsecret@127.0.0.1:1/"
environment = "production"

[brokers.lab]
amqp_url = "amqp://guest:topsecret@127.0.0.1:1/"
environment = "development"
"""


@pytest.fixture
def brokers_file(tmp_path: Path, settings: object) -> Iterator[Path]:
    path = tmp_path / "brokers.toml"
    path.write_text(TWO)
    settings.MQADMIN_BROKERS_FILE = str(path)  # type: ignore[attr-defined]
    brokers.forget()
    yield path
    brokers.forget()


@pytest.fixture
def own_hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registries of this test's own."""
    monkeypatch.setattr(hooks, "_badges", {})
    monkeypatch.setattr(hooks, "_single", {})
    monkeypatch.setattr(hooks, "_find", hooks.Registry())


def test_the_environment_is_said_in_words_and_the_password_nowhere(
    sign_in: SignIn, brokers_file: Path, own_hooks: None
) -> None:
    page = sign_in("viewer").get("/audit/").text
    assert "Orders &lt;b&gt;" in page
    assert 'class="env-name production">production<' in page
    assert "topsecret" not in page


def test_a_chosen_broker_is_remembered_and_stands_in_the_links(
    sign_in: SignIn, brokers_file: Path, own_hooks: None
) -> None:
    client = sign_in("viewer")
    assert 'href="/queues/?broker=orders"' in client.get("/audit/").text
    client.get("/audit/?broker=lab")
    assert 'href="/queues/?broker=lab"' in client.get("/audit/").text
    client.get("/audit/?broker=nosuch")
    assert 'href="/queues/?broker=lab"' in client.get("/audit/").text


def test_a_configuration_that_cannot_be_read_is_told_on_a_page_that_works(
    sign_in: SignIn, brokers_file: Path, own_hooks: None
) -> None:
    brokers_file.write_text("[brokers.orders]\namqp_url = 5")
    page = sign_in("viewer").get("/audit/")
    assert page.status_code == 200
    assert "amqp_url must be text" in page.text
    brokers_file.write_text(TWO)  # mended: no restart needed
    assert "amqp_url must be text" not in sign_in("viewer").get("/audit/").text


def test_badges_and_freshness_come_from_their_providers(sign_in: SignIn, own_hooks: None) -> None:
    hooks.register_nav_badge("queues", lambda broker: (f"412 on {broker}", "grey"))
    hooks.register_nav_badge("dead-letters", lambda broker: None)
    moment = timezone.now() - timedelta(minutes=3)
    hooks.register_freshness(lambda broker: hooks.Freshness("amber", "sampled <i>{ago} ago", moment))
    part = sign_in("viewer").get("/live/?at=queues", headers=HX).text
    assert '<small class="grey">412 on default</small>' in part
    assert "sampled &lt;i&gt;<time" in part
    assert ">3 min</time> ago" in part
    assert 'class="state amber"' in part


def test_the_group_of_the_page_that_is_open_shows_its_pages(sign_in: SignIn, own_hooks: None) -> None:
    part = sign_in("viewer").get("/live/?at=limits", headers=HX).text
    shown = re.findall(r'<a class="nav-entry part[^"]*" href="([^"]*)"', part)
    assert shown == ["/vhosts/", "/users/", "/permissions/", "/limits/"]
    assert 'href="/limits/"\n    aria-current="page"' in part
    # Another is closed: it leads to its first page, and tells what it holds, the last what is to come last.
    assert re.search(r'href="/nodes/" title="Nodes, Feature flags, Definitions, Before an upgrade"', part)


def test_pages_that_do_not_exist_are_not_offered(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Exchanges" in sign_in("viewer").get("/audit/").text
    monkeypatch.setattr(hooks, "_nav_parts", {})
    page = sign_in("viewer").get("/audit/").text
    for word in ("Exchanges", "Connections", "Nodes", "Clients"):
        assert word not in page


def test_search_groups_what_the_apps_find_and_escapes_it(sign_in: SignIn, own_hooks: None) -> None:
    hooks._find.register(
        lambda q, broker: [hooks.Hit("<script>alert(1)</script>", "Queue", "/queues/1/", "shop")]
    )
    client = sign_in("viewer")
    part = client.get("/find/?q=scr", headers=HX).text
    assert part.startswith('<div id="hits"')
    assert "<script" not in part
    assert 'href="/queues/1/"' in part
    assert "at least two" in client.get("/find/?q=s", headers=HX).text
    assert client.get("/find/?q=scr").text.startswith("<!doctype html>")


def test_what_needs_attention_comes_broken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_attention", hooks.Registry())
    hooks._attention.register(lambda broker, user: [hooks.Attention("watch", "w", "")])
    hooks._attention.register(lambda broker, user: [hooks.Attention("broken", "b", "")])
    assert [item.title for item in hooks.attention("x", None)] == ["b", "w"]  # type: ignore[arg-type]


def test_a_provider_registered_twice_is_asked_once() -> None:
    registry: hooks.Registry[object] = hooks.Registry()  # type: ignore[type-var]

    def provider() -> None: ...

    registry.register(provider)
    registry.register(provider)
    assert len(list(registry)) == 1


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("/", "/?broker=lab"),
        ("/?span=1d&broker=orders", "/?broker=lab&amp;span=1d"),
        ("/queues/?show=broken&vhost=shop&page=3", "/queues/?broker=lab&amp;show=broken"),
        ("/consumers/hosts/", "/consumers/?broker=lab"),
        ("/audit/?actor=ann", "/audit/?broker=lab&amp;actor=ann"),
        ("/account/password/", "/?broker=lab"),
    ],
)
def test_the_switcher_keeps_the_page_one_is_on(
    sign_in: SignIn, brokers_file: Path, own_hooks: None, here: str, there: str
) -> None:
    assert f'<a href="{there}" class="broker"' in sign_in("viewer").get(here).text


def test_a_list_of_one_broker_names_it_where_others_show_all(
    sign_in: SignIn, brokers_file: Path, own_hooks: None
) -> None:
    client = sign_in("viewer")

    def shown(path: str) -> str:
        page = client.get(path, {"broker": "*"}).text
        return page.partition('aria-current="true"')[2].partition("</a>")[0]

    assert "All brokers" in shown("/queues/")
    assert "Orders &lt;b&gt;" in shown("/exchanges/")
    assert "All brokers" not in shown("/exchanges/")
