"""What is shown of users: a row of their list, their tags in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.limits.pages import texts
from mqadmin.administration.listed.places import user_href
from mqadmin.administration.permissions import own, right_words
from mqadmin.rabbit.administration.users import User


@dataclass(frozen=True)
class UserRow:
    """A row of the list: where it leads, whether mqadmin signs in as this user."""

    href: str
    is_own: bool
    limits: list[tuple[str, str]]
    algorithm: str


def user_row(broker: str, item: User) -> UserRow:
    """Return what the list draws of a user."""
    algorithm = item.algorithm.removeprefix("rabbit_password_hashing_")
    return UserRow(
        user_href(broker, item.name), item.name in own.names(broker), texts(item.limits), algorithm
    )


def tag_words(tags: list[str]) -> list[str]:
    """Return what each tag of a user means."""
    known = {name: str(words) for name, words in right_words.KNOWN_TAGS}
    plain = _("%(tag)s: says nothing to RabbitMQ")
    return [known.get(tag, plain % {"tag": tag}) for tag in tags]
