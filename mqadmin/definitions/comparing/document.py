"""A document of definitions, RabbitMQ's own or a file, read into objects, and written again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mqadmin.definitions.comparing import kinds
from mqadmin.definitions.comparing.kinds import Body, Key, Snapshot

_LISTS = (
    ("vhosts", kinds.VHOST),
    ("users", kinds.USER),
    ("permissions", kinds.PERMISSION),
    ("topic_permissions", kinds.TOPIC_PERMISSION),
    ("parameters", kinds.PARAMETER),
    ("global_parameters", kinds.GLOBAL_PARAMETER),
    ("policies", kinds.POLICY),
    ("exchanges", kinds.EXCHANGE),
    ("queues", kinds.QUEUE),
    ("bindings", kinds.BINDING),
)
# What a cluster is, not how it is set up: the same on no other, and nothing that one restores.
_OWN_GLOBALS = ("internal_cluster_id",)
_TABLES = ("arguments", "metadata")


Document = Mapping[str, Any]


class Unreadable(ValueError):
    """A document that cannot be read: `section` and `place` (from 1) say where; `lacks` what is missing there."""

    def __init__(self, section: str, place: int = 0, lacks: str = "") -> None:
        super().__init__(f"{section} {place} {lacks}".strip())
        self.section, self.place, self.lacks = section, place, lacks


@dataclass(frozen=True)
class Read:
    """The objects of a document. `passing`: how many were left out, as they come and go with clients. `version`: of
    the RabbitMQ that wrote it, "" where it does not say."""

    objects: Snapshot
    passing: int = 0
    version: str = ""


def read(document: Document, *, vhost: str = "") -> Read:
    """Read a document; `vhost` is that of the objects that name none, as in the export of one virtual host.

    Left out are queues that the broker or a client's end deletes (auto-delete, with x-expires, amq.gen-*),
    auto-delete exchanges, and the bindings of both. Raises Unreadable.
    """
    found: Snapshot = {}
    for section, kind, place, item in _items(document):
        if kind == kinds.GLOBAL_PARAMETER and item.get("name") in _OWN_GLOBALS:
            continue
        body = dict(item)
        if vhost and kind not in (*kinds.WITHOUT_VHOST, kinds.VHOST):
            body.setdefault("vhost", vhost)
        if kind == kinds.PARAMETER:
            kind = kinds.COMPONENTS.get(str(body.get("component")), kind)
        try:
            found[kinds.key_of(kind, body)] = _plain(kind, body)
        except (KeyError, TypeError, AttributeError) as error:
            raise Unreadable(section, place, str(error.args[0] if error.args else "")) from None
    if vhost:
        _add_vhost(found, vhost, document)
    passing = _passing(found)
    version = document.get("rabbitmq_version") or document.get("rabbit_version") or ""
    return Read({key: body for key, body in found.items() if key not in passing}, len(passing), str(version))


def _items(document: Document) -> Iterator[tuple[str, str, int, Mapping[str, Any]]]:
    for section, kind in _LISTS:
        items = document.get(section, [])
        if not isinstance(items, list):
            raise Unreadable(section)
        for place, item in enumerate(items, 1):
            if not isinstance(item, dict):
                raise Unreadable(section, place)
            for name in _TABLES:
                if not isinstance(item.get(name) or {}, dict):
                    raise Unreadable(section, place, f"{name}: {{…}}")
            yield section, kind, place, item


def _add_vhost(found: Snapshot, vhost: str, document: Document) -> None:
    """The export of one virtual host says of it in the document's own fields what it is."""
    key = Key(kinds.VHOST, vhost, (vhost,))
    told = {
        name: document[name]
        for name in ("metadata", "description", "tags", "default_queue_type")
        if name in document
    }
    if not isinstance(told.get("metadata") or {}, dict):
        raise Unreadable("metadata", lacks="{…}")
    if key not in found and told:
        found[key] = _plain(kinds.VHOST, {"name": vhost, **told})


def is_of_one_vhost(document: Document) -> bool:
    """Whether its objects name no virtual host, so that somebody must say which one they are of."""
    listed = ("exchanges", "queues", "bindings", "policies", "parameters")
    found = (document.get(section) for section in listed)
    items = [item for told in found if isinstance(told, list) for item in told if isinstance(item, dict)]
    return bool(items) and not any("vhost" in item for item in items)


def written(objects: Snapshot, *, version: str = "") -> dict[str, Any]:
    """Return a document that RabbitMQ imports, its objects in a stable order. Queues say no `type` of their own."""
    document: dict[str, Any] = {"rabbit_version": version, "rabbitmq_version": version} if version else {}
    for section, _kind in _LISTS:
        document[section] = []
    for key in kinds.sorted_keys(objects):
        body = objects[key]
        document[kinds.SECTIONS[key.kind]].append({name: body[name] for name in sorted(body)})
    return document


def _plain(kind: str, body: Body) -> Body:
    """Leave out what RabbitMQ 4 says twice: the type of a queue, the description of a virtual host, its limits."""
    if kind == kinds.QUEUE:
        return {name: value for name, value in body.items() if name != "type"}
    if kind == kinds.VHOST:
        metadata = body.get("metadata") or {}
        told = {**metadata, **body}
        return {
            name: told[name] for name in ("name", "description", "tags", "default_queue_type") if name in told
        }
    return body


def _passing(found: Snapshot) -> set[Key]:
    gone = {key for key, body in found.items() if _comes_and_goes(key, body)}
    ends = {(key.vhost, key.kind, key.parts[0]) for key in gone}
    if ends:
        gone |= {key for key in found if key.kind == kinds.BINDING and _ends(key) & ends}
    return gone


def _ends(binding: Key) -> set[tuple[str, str, str]]:
    source, kind, destination, *_rest = binding.parts
    return {(binding.vhost, kinds.EXCHANGE, source), (binding.vhost, kind, destination)}


def _comes_and_goes(key: Key, body: Body) -> bool:
    if key.kind == kinds.EXCHANGE:
        return bool(body.get("auto_delete"))
    if key.kind != kinds.QUEUE:
        return False
    has_end = body.get("auto_delete") or "x-expires" in (body.get("arguments") or {})
    return bool(has_end) or key.parts[0].startswith("amq.gen-")
