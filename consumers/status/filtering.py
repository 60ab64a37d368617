"""Which consumers of a broker: by a text and by what they do, for the list, its acts and the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from consumers.models import Consumer
from consumers.status import state_words, summary
from consumers.status.summary import Summary
from mqadmin.core import brokers

TROUBLE = "trouble"  # beside the states: every one in which it does not do what it was told to


@dataclass(frozen=True)
class ConsumerSearch:
    """Which consumers. `q`: text in name, queue or handler; `state`: one of `choices`, "" for any."""

    q: str = ""
    state: str = ""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> ConsumerSearch:
        """Return the filter of an address; what makes no sense is left out."""
        state = values.get("state", "")
        return cls(values.get("q", "").strip()[:255], state if state in dict(choices()) else "")

    @property
    def is_empty(self) -> bool:
        return self == ConsumerSearch()

    def takes(self, item: Summary) -> bool:
        """Whether a consumer matches."""
        wanted, consumer = self.q.casefold(), item.consumer
        if self.state == TROUBLE and not item.status.is_trouble:
            return False
        if self.state not in ("", TROUBLE, item.status.state):
            return False
        return any(wanted in text.casefold() for text in (consumer.name, consumer.queue, consumer.handler))

    def consumers(self, broker: str) -> list[Consumer]:
        """Return the consumers of a broker, or of `brokers.EVERY`, that match, collectors last."""
        rows = Consumer.objects.filter(broker__in=brokers.within(broker)).order_by("is_collector", "name")
        return [item.consumer for item in summary.summaries(rows) if self.takes(item)]

    def query(self, broker: str) -> str:
        """Return the part of an address that names this filter on this broker."""
        return urlencode({"broker": broker, **{key: value for key, value in vars(self).items() if value}})


def choices() -> list[tuple[str, str]]:
    """Return what a consumer can be filtered by, each with its word."""
    return [(TROUBLE, _("in trouble")), *((str(state), word) for state, word in state_words.labels().items())]
