"""Feature flags and deprecated features: listed, flags enabled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mqadmin.rabbit.administration import calls
from mqadmin.rabbit.errors import NotFound, NotOffered
from mqadmin.rabbit.management_api import values
from mqadmin.rabbit.management_api.client import ManagementClient
from mqadmin.rabbit.management_api.values import Json

ALL = "all"  # what RabbitMQ calls all stable feature flags


@dataclass(frozen=True, slots=True)
class Flag:
    """A feature flag. `state`: enabled, disabled, unavailable or state_changing; `stability`: stable, required or
    experimental; `level` of an experimental one: "supported" or "unsupported", "" where the version does not tell.
    `migrates`: enabling it moves data, None where it does not tell (before 4.1)."""

    name: str
    state: str
    stability: str
    about: str
    provided_by: str
    doc_url: str
    level: str
    migrates: bool | None

    @property
    def is_to_enable(self) -> bool:
        """Whether it should be enabled: stable, and is not."""
        return self.state == "disabled" and self.stability == "stable"


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A deprecated feature. `phase`: permitted_by_default, denied_by_default, disconnected or removed; `state`:
    "permitted" or "denied", "" where the version does not tell; `used`: None where it does not tell."""

    name: str
    phase: str
    state: str
    used: bool | None
    about: str
    provided_by: str
    doc_url: str


def listed(client: ManagementClient) -> list[Flag]:
    """Return all feature flags."""
    return calls.rows(client, _flag, "feature-flags")


def deprecated(client: ManagementClient) -> list[Deprecated]:
    """Return all deprecated features, with what is in use. NotOffered before RabbitMQ 3.13."""
    try:
        found = calls.asked(client, "deprecated-features")
    except (NotFound, NotOffered) as error:
        raise NotOffered("RabbitMQ tells of deprecated features from 3.13 on.") from error
    used = {str(item["name"]) for item in calls.asked(client, "deprecated-features", "used")}
    return client.typed(lambda item: _deprecated(item, used), found)


def enable(client: ManagementClient, name: str) -> None:
    """Enable a feature flag for good. BadRequest where the broker cannot; NotOffered where it has no such call."""
    calls.change(client, "PUT", "feature-flags", name, "enable", body={"name": name})


def to_enable(flags: Sequence[Flag]) -> list[Flag]:
    """Return the stable flags that are disabled."""
    return [flag for flag in flags if flag.is_to_enable]


def _flag(item: Json) -> Flag:
    callbacks: Any = item.get("callbacks")
    return Flag(
        name=str(item["name"]),
        state=str(item["state"]),
        stability=str(item.get("stability", "")),
        about=values.text(item.get("desc")) or "",
        provided_by=values.text(item.get("provided_by")) or "",
        doc_url=_web(item),
        level=values.text(item.get("experiment_level")) or "",
        migrates="enable" in callbacks if isinstance(callbacks, list) else None,
    )


def _deprecated(item: Json, used: set[str]) -> Deprecated:
    name = str(item["name"])
    return Deprecated(
        name=name,
        phase=str(item.get("deprecation_phase", "")),
        state=values.text(item.get("state")) or "",
        used=name in used,
        about=values.text(item.get("desc")) or "",
        provided_by=values.text(item.get("provided_by")) or "",
        doc_url=_web(item),
    )


def _web(item: Json) -> str:
    """Return the page about it, if it is one: an address of another kind is never linked to."""
    found = values.text(item.get("doc_url")) or ""
    return found if found.startswith("https://") else ""
