"""Somebody guesses passwords through the proxy that everybody comes through, at the web processes themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum

from mqadmin.core.models import AuditEntry
from tests.support.length import FULL
from tests.support.web import Web

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

MALLORY, ANN = "203.0.113.66", "198.51.100.8"
GUESSES = 1_000 if FULL else 60  # more than are looked at side by side before the lock is seen
AT_ONCE = 16  # sign-ins that two processes of eight threads look at side by side


@pytest.fixture
def web(process_environ: dict[str, str]) -> Iterator[Web]:
    web = Web({**process_environ, "MQADMIN_TRUSTED_PROXIES": "127.0.0.1"})
    web.start()
    yield web
    web.kill()


def _try(web: Web, address: str, name: str, password: str) -> requests.Response:
    """One try of a browser that was never here."""
    with requests.Session() as browser:
        page = browser.get(f"{web.address}/login/", timeout=30)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token
        fields = {"username": name, "password": password, "csrfmiddlewaretoken": token[1]}
        # What the client makes up stands left of what the proxy adds.
        headers = {"X-Forwarded-For": f"{ANN}, {address}", "User-Agent": f"browser {id(browser)}"}
        return browser.post(
            f"{web.address}/login/", fields, headers=headers, allow_redirects=False, timeout=30
        )


def test_many_guesses_write_little_and_lock_out_nobody_else(web: Web) -> None:
    password = web.run("create_user", "ann", "--role", "operator").rpartition("Password: ")[2].strip()
    web.person.headers["X-Forwarded-For"] = ANN
    web.post("/login/", "/login/", username="ann", password=password)
    web.post("/logout/", "/", next="/")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda number: _try(web, MALLORY, "ann", f"guess {number}"), range(GUESSES)))
    assert {answer.status_code for answer in answers} == {200, 429}
    (row,) = AccessAttempt.objects.values_list(
        "ip_address", "failures_since_start", "post_data", "user_agent"
    )
    assert row[0] == MALLORY
    assert settings.AXES_FAILURE_LIMIT <= row[1] <= settings.AXES_FAILURE_LIMIT + AT_ONCE
    assert row[2:] == ("", "")
    told = AuditEntry.objects.filter(target="ann", action__in=["user.sign_in", "user.lock_out"])
    assert {entry.detail["address"] for entry in told} == {MALLORY}
    assert told.count() <= 2 * (settings.AXES_FAILURE_LIMIT + AT_ONCE)

    assert _try(web, MALLORY, "ann", password).status_code == 429
    assert _try(web, ANN, "ann", password).status_code == 302
    web.post("/login/", "/login/", username="ann", password=password)
    said = web.log.read_text()
    assert f"'ann' signed in from {ANN}" in said
    assert f"locked out: 'ann' from {MALLORY}" in said
    assert "Traceback" not in said
    assert AccessAttempt.objects.aggregate(n=Sum("failures_since_start"))["n"] == row[1]
