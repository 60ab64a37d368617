"""How large an act is, and from which size on it needs a second person."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.core import brokers
from mqadmin.core.pages.formats import number
from mqadmin.rabbit.errors import ConfigurationError

PRODUCTION = "production"


@dataclass(frozen=True)
class Size:
    """How many messages an act touches, and how many objects: queues, exchanges, connections, definitions."""

    messages: int = 0
    objects: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.messages + other.messages, self.objects + other.objects)

    def words(self) -> str:
        """Return it in words: "12,000 messages", "25 objects", or both."""
        parts = []
        if self.messages or not self.objects:
            text = ngettext("%(n)s message", "%(n)s messages", self.messages)
            parts.append(text % {"n": number(self.messages)})
        if self.objects:
            text = ngettext("%(n)s object", "%(n)s objects", self.objects)
            parts.append(text % {"n": number(self.objects)})
        return _(" and ").join(parts)


@dataclass(frozen=True)
class Limit:
    """From how many messages, or objects, on an act needs a second person."""

    messages: int
    objects: int

    def is_reached(self, size: Size) -> bool:
        return size.messages >= self.messages or size.objects >= self.objects

    def has_outgrown(self, agreed: Size, now: Size) -> bool:
        """Whether an act would do noticeably more than was agreed to: by over a tenth."""
        return _is_more(now.messages, agreed.messages, self.messages) or _is_more(
            now.objects, agreed.objects, self.objects
        )


def _is_more(now: int, agreed: int, limit: int) -> bool:
    return now > agreed + max(agreed // 10, limit // 10 if agreed < limit else 0)


def limit_of(broker: str) -> Limit | None:
    """Return what holds for a broker, None where no act on it needs a second person.

    What its own table says (`four_eyes`) holds whatever its environment; the setting for production alone.
    """
    try:
        config = brokers.config(broker)
    except ConfigurationError:  # it is not configured any more: nothing is done to it
        return None
    of_all = settings.MQADMIN_FOUR_EYES if config.environment == PRODUCTION else 0
    messages = of_all if config.four_eyes is None else config.four_eyes
    return Limit(messages, settings.MQADMIN_FOUR_EYES_OBJECTS) if messages else None


def is_on() -> bool:
    """Whether an act on any broker may need a second person."""
    try:
        return any(limit_of(slug) for slug in brokers.configs())
    except ConfigurationError:
        return False
