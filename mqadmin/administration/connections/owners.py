"""Which connections and consumers of a broker are of mqadmin's own consumers, and where those are stopped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from consumers.models import Consumer

_TAG = "mqadmin."


@dataclass(frozen=True)
class Owner:
    """A consumer that mqadmin runs: its name, and its page, where it is stopped."""

    name: str
    href: str


def owner(broker: str, name: str) -> Owner | None:
    """Return the consumer of that name on a broker; None where there is none: another installation's, or gone."""
    return _known(broker, [name]).get(name) if name and name != "mqadmin" else None


def owners(broker: str, tags: Iterable[str], ours: Iterable[str]) -> list[Owner]:
    """Return the consumers with these tags ("mqadmin.<name>.<process>"), or with these connections, by name."""
    names = {tag.removeprefix(_TAG).split(".")[0] for tag in tags if tag.startswith(_TAG)}
    return [found for _name, found in sorted(_known(broker, names | {name for name in ours if name}).items())]


def _known(broker: str, names: Iterable[str]) -> dict[str, Owner]:
    found = Consumer.objects.filter(broker=broker, name__in=list(names)).values_list("name", flat=True)
    return {name: Owner(name, reverse("consumer_detail", args=[name])) for name in found}
