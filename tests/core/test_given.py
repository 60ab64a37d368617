"""What the environment gives: a value that cannot be meant, or that is an example's, ends the process in a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mqadmin import given
from mqadmin.database_url import database
from tests.support.processes import ROOT

PASSWORD = "kB7_very-secret"


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(given.Unusable) as caught:
        call()
    text = str(caught.value)
    assert text.startswith("mqadmin: ")
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mqadmin", "is not a URL"),
        ("postgres:/mqadmin", "is not a URL"),
        (f"mysql://ann:{PASSWORD}@db/mqadmin", "'mysql' is not known"),
        (f"postgresql+psycopg://ann:{PASSWORD}@db/mqadmin", "'postgresql+psycopg' is not known"),
        (f"postgres://ann:{PASSWORD}@db:54x2/mqadmin", "host or port"),
        (f"postgres://ann:{PASSWORD}@db:543210/mqadmin", "host or port"),
        (f"postgres://ann:{PASSWORD}@[::1/mqadmin", "host or port"),
        (f"postgres://ann:{PASSWORD}/x@db/mqadmin", "host or port"),
        (f"postgres://ann:{PASSWORD}#x@db/mqadmin", "host or port"),
        (f"postgres://ann:{PASSWORD}@db", "names no database"),
        (f"postgres://ann:{PASSWORD}@db:5432/", "names no database"),
        (f"postgres://ann:{PASSWORD}@db:0/mqadmin", "names no port"),
        (f"postgres://ann:{PASSWORD}@db/mqadmin?sslmod=require", "no option of PostgreSQL (sslmod)"),
        ("sqlite://mqadmin.sqlite3", "names no file"),
        ("sqlite://:memory:", "names no file"),
        ("sqlite:////var/lib/mqadmin/", "names no file"),
    ],
)
def test_a_database_that_cannot_be_meant(url: str, why: str) -> None:
    text = refusal(lambda: database(url))
    assert why in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    ("url", "name", "host"),
    [
        ("sqlite:////var/lib/mqadmin/my%20own.sqlite3", "/var/lib/mqadmin/my own.sqlite3", ""),
        ("postgres://ann:p%40ss@db:5433/mqadmin?sslmode=require", "mqadmin", "db"),
        ("postgresql://ann:100%@db/mqadmin", "mqadmin", "db"),
        ("POSTGRES://%2Fvar%2Frun%2Fpostgresql/mqadmin", "mqadmin", "/var/run/postgresql"),
    ],
)
def test_a_database_that_can(url: str, name: str, host: str) -> None:
    found = database(url)
    assert (found["NAME"], found["HOST"] or "") == (name, host)
    assert "sslmode" not in url or found["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    ("call", "text", "why"),
    [
        (lambda environ: given.number("X", 5.0, 0.1, environ), "soon", "X=soon is not a number, 0.1 or more"),
        (lambda environ: given.number("X", 5.0, 0.1, environ), "0", "0.1 or more"),
        (lambda environ: given.number("X", 5.0, 0.0, environ), "nan", "not a number"),
        (lambda environ: given.number("X", 5, 0, environ), "1e6", "a whole number"),
        (lambda environ: given.flag("X", environ=environ), "ture", "X=ture is neither 1 nor 0"),
        (lambda environ: given.one_of("X", "a", ("a", "b"), environ), "c", "X=c is not one of a, b"),
        (lambda environ: given.zone("X", "UTC", environ), "Mars/Base", "no time zone"),
        (lambda environ: given.address("X", environ), "ftp://x", "X must begin with https://"),
        (lambda environ: given.origins("X", environ), "example.com", "must begin with https://"),
    ],
)
def test_a_value_that_cannot_be_meant(call: Callable[[object], object], text: str, why: str) -> None:
    assert why in refusal(lambda: call({"X": text}))
    call({"X": ""})  # empty means the default, as everywhere


EXAMPLES = [
    found
    for file in (ROOT / "deploy").rglob("*.*")
    if file.suffix in {".example", ".yaml"}
    for found in re.findall(r"(\w+) ?[=:] ?(\S*REPLACE-ME\S*)", file.read_text())
    if found[0] != "SECRET_KEY"  # has words of its own
]


def test_the_examples_have_placeholders() -> None:
    assert {name for name, _value in EXAMPLES} == {"DATABASE_URL", "RABBITMQ_URL"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *EXAMPLES,
        ("RABBITMQ_URL", "amqp://user:password@host:5672/"),
        ("CELERY_BROKER_URL", "amqp://ann:changeme@host/"),
        ("WEBHOOK_TOKEN", "Change-Me"),
    ],
)
def test_a_placeholder_is_refused(name: str, value: str) -> None:
    text = refusal(lambda: given.refuse_placeholders({name: value}))
    assert f"{name} still holds the placeholder of an example" in text
    assert "@" not in text


@pytest.mark.parametrize("password", ["REPLACE-ME", "changeme", "change%2Dme", "${ORDERS_PASSWORD}"])
def test_a_placeholder_in_the_file_of_brokers_is_refused(password: str, tmp_path: Path) -> None:
    path = tmp_path / "brokers.toml"
    path.write_text(f'[brokers.orders]\namqp_url = "amqps://mqadmin:{password}@rabbit/"\n')
    environ = {"MQADMIN_BROKERS_FILE": str(path), "ORDERS_PASSWORD": "changeme"}
    text = refusal(lambda: given.refuse_placeholders(environ))
    assert "brokers.orders.amqp_url still holds the placeholder" in text


def test_a_file_of_brokers_that_cannot_be_read_is_told_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "brokers.toml"
    path.write_text("[brokers.orders\n")
    given.refuse_placeholders({"MQADMIN_BROKERS_FILE": str(path)})
    given.refuse_placeholders({"MQADMIN_BROKERS_FILE": str(tmp_path / "none")})


def test_an_address_with_a_place_in_it() -> None:
    url = "https://jaeger.example.com/trace/{trace_id}?x=1"
    assert given.template("MQADMIN_TRACE_URL", "trace_id", {"MQADMIN_TRACE_URL": url}) == url
    assert given.template("MQADMIN_TRACE_URL", "trace_id", {}) == ""
    for wrong in (f"https://ann:{PASSWORD}@x/", url + "{span_id}", url.replace("https", "ftp"), "{trace_id}"):
        environ = {"MQADMIN_TRACE_URL": wrong}
        text = refusal(lambda environ=environ: given.template("MQADMIN_TRACE_URL", "trace_id", environ))
        assert PASSWORD not in text
