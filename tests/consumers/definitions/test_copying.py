"""A consumer like another."""

from __future__ import annotations

import pytest
from django.test import Client

from consumers.definitions import copying, definitions
from consumers.models import Consumer
from mqadmin.core.acts.audit import SYSTEM
from mqadmin.core.models import AuditEntry
from tests.consumers.views.conftest import get, text_of
from tests.consumers.views.test_edit import GOOD
from tests.support.consumers import make_consumer

pytestmark = pytest.mark.django_db
SECRET = "https://example.org/in?key=hunter2"


@pytest.mark.parametrize(
    ("taken", "of", "found"),
    [
        ([], "orders", "orders-2"),
        (["orders-2", "orders-3"], "orders", "orders-4"),
        ([], "orders-2", "orders-3"),
        (["orders-10"], "orders-9", "orders-11"),
        ([], "-2", "-2-2"),
        ([], "x" * 60, "x" * 58 + "-2"),
        (["x" * 58 + "-2"], "x" * 60, "x" * 58 + "-3"),
    ],
)
def test_the_first_name_that_is_free(taken: list[str], of: str, found: str) -> None:
    for name in taken:
        make_consumer(name=name)
    assert copying.free_name(of) == found


def test_the_copy_is_stopped_and_has_the_settings() -> None:
    of = make_consumer(name="hook", handler="webhook", options={"url": SECRET}, prefetch=7, desired="running")
    copy = copying.duplicate(consumer=of, by=SYSTEM)

    assert (copy.name, copy.desired, copy.revision) == ("hook-2", "stopped", 1)
    assert [getattr(copy, field) for field in definitions.FIELDS] == [
        getattr(of, field) for field in definitions.FIELDS
    ]
    entry = AuditEntry.objects.get(action="consumer.duplicate")
    assert (entry.target, entry.detail["of"], entry.outcome) == ("hook-2", "hook", "done")
    assert "hunter2" not in str(entry.detail)


def test_a_name_that_somebody_else_was_faster_with_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    of = make_consumer(name="orders")
    offered = iter(["orders-2", "orders-3"])
    monkeypatch.setattr(copying, "free_name", lambda _name: next(offered))
    make_consumer(name="orders-2")
    assert copying.duplicate(consumer=of, by=SYSTEM).name == "orders-3"
    with pytest.raises(definitions.Invalid, match="exists"):
        copying.duplicate(consumer=of, by=SYSTEM, name="orders-2")


def test_a_collector_is_not_copied() -> None:
    with pytest.raises(definitions.Conflict, match="tracking"):
        copying.duplicate(consumer=make_consumer(is_collector=True), by=SYSTEM)


def test_the_page_has_the_settings_in_it_and_never_starts(admin: Client) -> None:
    make_consumer(name="hook", handler="webhook", options={"url": SECRET}, prefetch=7)
    page = text_of(get(admin, "consumer_duplicate", "hook"))
    assert 'value="hook-2"' in page
    assert 'name="prefetch" value="7"' in page
    assert SECRET in page
    assert "Define and start" not in page

    sent = {**GOOD, "name": "hook-2", "start": "1"}
    assert admin.post("/consumers/hook/duplicate/", sent).status_code == 302
    assert Consumer.objects.get(name="hook-2").desired == "stopped"
    assert AuditEntry.objects.get(action="consumer.duplicate").actor == "the-admin"
