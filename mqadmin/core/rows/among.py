"""A condition on very many ids."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL


def among(ids: Sequence[int]) -> Q:
    """Return the condition that a row is one of `ids`: one value for the database, not thousands."""
    if connection.vendor == "sqlite":
        return Q(pk__in=RawSQL("SELECT value FROM json_each(%s)", [json.dumps(list(ids))]))
    return Q(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))
