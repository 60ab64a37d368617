"""A query for letters -> its tree. Pure."""

from __future__ import annotations

from datetime import tzinfo

from mqadmin.core.query import parser
from mqadmin.core.query.syntax import Node
from mqadmin.deadletters.search.query import fields


def parse(query: str, *, zone: tzinfo | None = None) -> Node:
    """Return the tree of `query`; days and times in it are of `zone`, by default the current. Raises BadQuery."""
    return parser.parse(query, fields.LETTERS, zone=zone)
