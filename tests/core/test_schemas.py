"""The file of MQADMIN_SCHEMAS: read, or refused in a line; a registry is asked seldom, and not long."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqadmin.core import schemas
from mqadmin.given import Unusable
from mqadmin.rabbit.reading.decoders import Rule

ORDER = json.dumps({"type": "record", "name": "O", "fields": [{"name": "card", "type": "string"}]})


def read(folder: Path, text: str) -> list[Rule]:
    path = folder / "schemas.toml"
    path.write_text(text)
    schemas._rules.cache_clear()
    return list(schemas._rules(str(path)))


def test_rules_are_read_and_their_files_lie_beside(tmp_path: Path) -> None:
    (tmp_path / "order.avsc").write_text(ORDER)
    plain, wire = read(
        tmp_path,
        """
        [[decode]]
        content_type = "Application/Avro"
        as = "avro"
        schema = "order.avsc"
        [[decode]]
        queue = "orders.*"
        as = "confluent"
        schemas = { 7 = "order.avsc" }
        """,
    )
    assert plain.content_type == "application/avro"
    assert plain.decoder.decode(b"\x084711") == {"card": "4711"}
    assert wire.decoder.decode(b"\0\0\0\0\x07\x084711") == {"card": "4711"}
    for content, words in (
        (b"", "begin with a 0"),
        (b"\1\0\0\0\x07", "begin with a 0"),
        (b"\0\0\0\0\x08", "schema 8"),
    ):
        with pytest.raises(ValueError, match=words):
            wire.decoder.decode(content)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[decode", "schemas.toml"),
        ("[other]", "neither decode nor registry"),
        ('[[decode]]\nas = "pickle"\nqueue = "q"', "is not one of protobuf, avro, confluent"),
        ('[[decode]]\nas = "avro"\nqueue = "q"', "avro needs schema"),
        ('[[decode]]\nas = "avro"\nqueue = "q"\nschema = "none"', "there is no file"),
        ('[[decode]]\nas = "avro"\nschema = "schemas.toml"', "needs a content_type, a queue"),
        ('[[decode]]\nas = "protobuf"\nqueue = "q"\ndescriptors = "x"', "protobuf needs message"),
        ('[[decode]]\nas = "confluent"\nqueue = "q"', "needs schemas, or a"),
        ('[[decode]]\nas = "avro"\nqueue = "q"\nschema = "schemas.toml"\nshema = 1', "shema is not known"),
        ('[registry]\nurl = "ftp://x"', "does not begin with"),
        ('[registry]\nurl = "https://u:${NOT_SET_ANYWHERE}@x"', "NOT_SET_ANYWHERE, which is not set"),
        ("decode = 7", "schemas.toml"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Unusable, match=words):
        read(tmp_path, text)


@pytest.fixture
def registry() -> Iterator[tuple[str, list[str]]]:
    """A registry with one schema, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            known = {
                "/schemas/ids/7": {"schema": ORDER},
                "/schemas/ids/8": {"schema": "x", "schemaType": "JSON"},
            }
            body = json.dumps(known.get(self.path, {})).encode()
            self.send_response(200 if self.path in known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


def test_a_registry_is_asked_once_for_what_it_knows_and_seldom_for_what_not(
    registry: tuple[str, list[str]],
) -> None:
    url, asked = registry
    known = schemas.Registry(url)
    for _time in range(3):
        assert known.schema(7).decode(b"\x084711") == {"card": "4711"}
        with pytest.raises(ValueError, match="no schema of Avro"):
            known.schema(8)
        with pytest.raises(ValueError, match="answers 404"):
            known.schema(9)
    assert asked == ["/schemas/ids/7", "/schemas/ids/8", "/schemas/ids/9"]
    for number in range(100, 200):  # ids come from strangers
        with pytest.raises(ValueError):
            known.schema(number)
    assert len(asked) == 10
    assert known.schema(7).decode(b"\x084711") == {"card": "4711"}


def test_a_registry_that_is_away_is_told_without_its_address() -> None:
    with pytest.raises(ValueError, match="does not answer") as told:
        schemas.Registry("http://user:secret@127.0.0.1:9").schema(1)
    assert "secret" not in str(told.value)
