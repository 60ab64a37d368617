"""What is shown of rights: rows of their lists, in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import get_language

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.places import user_href, vhost_href
from mqadmin.administration.permissions import own, right_words
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission


@dataclass(frozen=True)
class RightRow:
    """A row of rights: each as (what it allows in words, its expression where that says more)."""

    user: str
    vhost: str
    is_own: bool
    configure: tuple[str, str]
    write: tuple[str, str]
    read: tuple[str, str]
    broker: str
    item: Permission | TopicPermission

    @property
    def change(self) -> str:
        view = "topic_permission_set" if self._exchange else "permission_set"
        return address(view, self.broker, vhost=self.item.vhost, user=self.item.user, **self._exchange)

    @property
    def clear(self) -> str:
        view = "topic_permission_clear" if self._exchange else "permission_clear"
        return address(view, self.broker, vhost=self.item.vhost, user=self.item.user)

    @property
    def _exchange(self) -> dict[str, str]:
        return {"exchange": self.item.exchange} if isinstance(self.item, TopicPermission) else {}


def permission_row(broker: str, item: Permission) -> RightRow:
    """Return what a list draws of a permission."""
    return RightRow(
        user=user_href(broker, item.user),
        vhost=vhost_href(broker, item.vhost),
        is_own=item.user in own.names(broker),
        configure=_named(item.configure),
        write=_named(item.write),
        read=_named(item.read),
        broker=broker,
        item=item,
    )


def topic_row(broker: str, item: TopicPermission) -> RightRow:
    """Return what a list draws of a topic permission."""
    return RightRow(
        user=user_href(broker, item.user),
        vhost=vhost_href(broker, item.vhost),
        is_own=item.user in own.names(broker),
        configure=("", ""),
        write=_keyed(item.write),
        read=_keyed(item.read),
        broker=broker,
        item=item,
    )


def _named(expression: str) -> tuple[str, str]:
    return _said(expression, get_language(), False)


def _keyed(expression: str) -> tuple[str, str]:
    return _said(expression, get_language(), True)


@lru_cache(maxsize=2_000)
def _said(expression: str, _language: str | None, is_key: bool) -> tuple[str, str]:
    """Return an expression in words; remembered, since rights repeat themselves."""
    reach = right_words.key_reach if is_key else right_words.name_reach
    return _beside(reach(expression), expression)


def _beside(words: str, expression: str) -> tuple[str, str]:
    """Leave out an expression that stands in the words as it is."""
    return words, "" if f"“{expression}”" in words else expression
