"""A row that is kept has the buttons of who asks, not of who asked first."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails

from mqadmin.core.pages import rows_seen
from tests.queues.conftest import user_of

_TABLE = Template(
    '{% load mqadmin tables %}<table>{% listing rows as row keep=row.key %}<tr id="one">'
    '{% column "acts" %}Acts{% cell %}{% action "Delete" "/gone/" kind="link" needs="configure" %}'
    "{% endlisting %}</table>"
)


@pytest.mark.django_db
def test_a_kept_row_has_the_buttons_of_who_asks() -> None:
    rows_seen.forget()
    shown = {}
    for role in ("admin", "viewer"):
        request = RequestFactory().get("/")
        request.user, request.htmx = user_of(role), HtmxDetails(request)  # type: ignore[attr-defined]
        shown[role] = _TABLE.render(Context({"request": request, "rows": [{"key": ("a row",)}]}))
    assert 'href="/gone/"' in shown["admin"]
    assert "/gone/" not in shown["viewer"]
    assert "This needs the role admin." in shown["viewer"]
