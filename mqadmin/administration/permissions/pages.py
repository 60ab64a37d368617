"""What is shown of rights: rows of their lists, in words."""

from __future__ import annotations

from dataclasses import dataclass

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
    change: str
    clear: str


def permission_row(broker: str, item: Permission) -> RightRow:
    """Return what a list draws of a permission."""
    names = {"vhost": item.vhost, "user": item.user}
    return RightRow(
        user=user_href(broker, item.user),
        vhost=vhost_href(broker, item.vhost),
        is_own=item.user in own.names(broker),
        configure=_named(item.configure),
        write=_named(item.write),
        read=_named(item.read),
        change=address("permission_set", broker, **names),
        clear=address("permission_clear", broker, **names),
    )


def topic_row(broker: str, item: TopicPermission) -> RightRow:
    """Return what a list draws of a topic permission."""
    names = {"vhost": item.vhost, "user": item.user}
    return RightRow(
        user=user_href(broker, item.user),
        vhost=vhost_href(broker, item.vhost),
        is_own=item.user in own.names(broker),
        configure=("", ""),
        write=_keyed(item.write),
        read=_keyed(item.read),
        change=address("topic_permission_set", broker, **names, exchange=item.exchange),
        clear=address("topic_permission_clear", broker, **names),
    )


def _named(expression: str) -> tuple[str, str]:
    return _beside(right_words.name_reach(expression), expression)


def _keyed(expression: str) -> tuple[str, str]:
    return _beside(right_words.key_reach(expression), expression)


def _beside(words: str, expression: str) -> tuple[str, str]:
    """Leave out an expression that stands in the words as it is."""
    return words, "" if f"“{expression}”" in words else expression
