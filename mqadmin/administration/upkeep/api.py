"""The API's call for what is to be known before an upgrade."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.http import HttpRequest
from ninja import Query, Router, Schema

from mqadmin.administration.listed.api import Listed, ListQuery, page
from mqadmin.administration.upkeep import findings, upgrade_words
from mqadmin.administration.upkeep.lists import UPGRADE
from mqadmin.core.api.plumbing import VIEW, a_broker
from mqadmin.core.pages import prose

router = Router(tags=["feature flags and upgrades"], auth=VIEW.of("broker"))


class FindingOut(Schema):
    """Something found: `level` is breaks, care, note or fine; `examples` are at most 50 of the `count` objects."""

    code: str
    level: str
    text: str
    count: int
    examples: list[dict[str, str]]
    params: dict[str, Any]


class FindingList(Listed):
    items: list[FindingOut]


@router.get("/upgrade", response=FindingList)
def upgrade(request: HttpRequest, wanted: Query[ListQuery]) -> dict[str, Any]:
    """List what breaks, changes or should be known when the broker is upgraded, the worst first."""
    slug = a_broker(wanted.broker)

    def out(item: Any) -> dict[str, Any]:
        told = findings.shown(slug, item, upgrade_words.words).told
        return {**asdict(item), "text": prose.paragraph((prose.ended(told.title), told.why, told.cure))}

    return page(UPGRADE, wanted, out)
