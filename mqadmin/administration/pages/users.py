"""What is shown of virtual hosts, users, rights and limits: rows of lists, and where their acts are."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.acts import own
from mqadmin.administration.pages import right_words
from mqadmin.administration.pages.naming import address
from mqadmin.rabbit.administration.limits import Limit
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.administration.users import User
from mqadmin.rabbit.administration.vhosts import Vhost


@dataclass(frozen=True)
class VhostRow:
    """A row of the list: where it leads, what is wrong with it, its limits as texts."""

    href: str
    stopped: list[str]
    limits: list[tuple[str, str]]


@dataclass(frozen=True)
class UserRow:
    """A row of the list: where it leads, whether mqadmin signs in as this user."""

    href: str
    is_own: bool
    limits: list[tuple[str, str]]
    algorithm: str


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


@dataclass(frozen=True)
class LimitRow:
    """A row of limits: what it means, where its owner is, how it goes."""

    href: str
    clear: str
    words: str


def vhost_row(broker: str, item: Vhost) -> VhostRow:
    """Return what the list draws of a virtual host."""
    return VhostRow(vhost_href(broker, item.name), item.stopped_on, _limits(item.limits))


def user_row(broker: str, item: User) -> UserRow:
    """Return what the list draws of a user."""
    algorithm = item.algorithm.removeprefix("rabbit_password_hashing_")
    return UserRow(
        user_href(broker, item.name), item.name in own.names(broker), _limits(item.limits), algorithm
    )


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


def limit_row(broker: str, item: Limit) -> LimitRow:
    """Return what a list draws of a limit."""
    of_vhost = item.of == "vhost"
    href = vhost_href(broker, item.name) if of_vhost else user_href(broker, item.name)
    clear = address("limit_clear", broker, of=item.of, name=item.name, limit=item.limit)
    return LimitRow(href, clear, limit_words(item.value))


def limit_words(value: int) -> str:
    """Return what is particular about a limit's value."""
    return _("none") if value < 0 else _("nothing is let in") if value == 0 else ""


def tag_words(tags: list[str]) -> list[str]:
    """Return what each tag of a user means."""
    known = {name: str(words) for name, words in right_words.KNOWN_TAGS}
    plain = _("%(tag)s: says nothing to RabbitMQ")
    return [known.get(tag, plain % {"tag": tag}) for tag in tags]


def vhost_href(broker: str, name: str) -> str:
    """Return the address of a virtual host's page."""
    return address("vhost_detail", broker, name=name)


def user_href(broker: str, name: str) -> str:
    """Return the address of a user's page."""
    return address("user_detail", broker, name=name)


def _limits(limits: dict[str, int] | None) -> list[tuple[str, str]]:
    return [(name, str(value)) for name, value in (limits or {}).items()]


def _named(expression: str) -> tuple[str, str]:
    return _beside(right_words.name_reach(expression), expression)


def _keyed(expression: str) -> tuple[str, str]:
    return _beside(right_words.key_reach(expression), expression)


def _beside(words: str, expression: str) -> tuple[str, str]:
    """Leave out an expression that stands in the words as it is."""
    return words, "" if f"“{expression}”" in words else expression
