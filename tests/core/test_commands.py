"""Set-up from the shell: repeatable, and a failure is one sentence that helps."""

from __future__ import annotations

import http.server
import stat
import threading
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from mqadmin.core import brokers
from mqadmin.core.models import AuditEntry
from mqadmin.rabbit.config import BrokerConfig
from tests.core.conftest import make_user
from tests.support.management import Management


def run(name: str, *args: str) -> str:
    out = StringIO()
    call_command(name, *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "VAR_DIR", tmp_path / "new")
    return tmp_path / "new"


def test_the_first_admin_is_made_once(db: None, var: Path) -> None:
    said = run("setup_admin")
    kept = var / "admin-password"
    password = kept.read_text().strip()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert len(password) >= 16
    assert password in said
    assert str(kept) in said
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.check_password(password)) == ("admin", True, True)
    assert [group.name for group in user.groups.all()] == ["admin"]
    assert Client().post("/login/", {"username": "admin", "password": password}).status_code == 302

    again = run("setup_admin")
    assert password not in again
    assert kept.read_text().strip() == password
    assert User.objects.get().check_password(password)


def test_an_admin_of_another_name_is_enough(db: None, var: Path) -> None:
    make_user("admin")
    assert "exists already" in run("setup_admin")
    assert not (var / "admin-password").exists()
    assert User.objects.count() == 1


def test_a_token_is_printed_and_works(db: None) -> None:
    make_user("viewer")
    token = run("create_token", "viewer", "--name", "ci").strip()
    assert Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/audit").status_code == 200
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.via, entry.outcome) == (
        "token.create",
        "viewer",
        "shell",
        "done",
    )
    assert token not in str(entry.detail)
    with pytest.raises(CommandError, match="no user nosuch"):
        run("create_token", "nosuch")


@pytest.fixture
def brokers_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """A function that points mqadmin at other addresses for this test."""

    def point(amqp: str, management: str) -> None:
        monkeypatch.setenv("RABBITMQ_URL", amqp)
        monkeypatch.setenv("RABBITMQ_MANAGEMENT_URL", management)
        brokers.forget()

    yield point
    monkeypatch.undo()
    brokers.forget()


@pytest.mark.parametrize(
    ("amqp", "words"),
    [
        ("", "No broker is configured"),
        ("http://x/", "must begin with amqp"),
        ("amqp://guest:guest@127.0.0.1:1/", "Is RabbitMQ running at 127.0.0.1:1"),
    ],
)
def test_a_broker_that_cannot_be_is_a_sentence(brokers_at: object, amqp: str, words: str) -> None:
    brokers_at(amqp, "")  # type: ignore[operator]
    with pytest.raises(CommandError, match=words):
        run("setup_broker")


@pytest.mark.broker
def test_wrong_password_missing_vhost_and_missing_plugin_are_told_apart(
    brokers_at: object, broker_config: BrokerConfig
) -> None:
    good, management = broker_config.amqp_url.rstrip("/"), broker_config.management_url
    user, password = broker_config.auth()
    cases = [
        (f"amqp://{user}:wrong@{broker_config.address}/", management, "refused the user name or password"),
        (f"{good}/nosuchvhost", management, "refused access to the virtual host"),
        (
            f"{good}/",
            "http://127.0.0.1:1",
            "management API at http://127.0.0.1:1",
        ),
    ]
    for amqp, http_url, words in cases:
        brokers_at(amqp, http_url)  # type: ignore[operator]
        with pytest.raises(CommandError, match=words) as caught:
            run("setup_broker")
        assert f"{user}:" not in str(caught.value)
        assert password not in str(caught.value) or password == user

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        brokers_at(f"{good}/", f"http://127.0.0.1:{server.server_port}")  # type: ignore[operator]
        with pytest.raises(CommandError, match="rabbitmq-plugins enable rabbitmq_management"):
            run("setup_broker")
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.broker
def test_a_good_broker_gets_its_vhost_and_may_be_set_up_again(
    monkeypatch: pytest.MonkeyPatch, management: Management
) -> None:
    from mqadmin.core.management.commands import setup_broker

    monkeypatch.setattr(setup_broker, "VHOST", "mqadmin-setup-test")
    monkeypatch.setattr(settings, "CELERY_BROKER_URL", "")
    brokers.forget()
    try:
        first = run("setup_broker")
        assert "RabbitMQ" in first
        assert "made the vhost mqadmin-setup-test" in first
        assert "made the vhost" not in run("setup_broker")
        assert "mqadmin-setup-test" in {vhost.name for vhost in management.vhosts()}
    finally:
        management.delete_vhost("mqadmin-setup-test")
