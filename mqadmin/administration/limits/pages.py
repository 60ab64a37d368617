"""What is shown of limits: a row of their list, and those of a virtual host or a user."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mqadmin.administration.listed.naming import address
from mqadmin.administration.listed.places import user_href, vhost_href
from mqadmin.rabbit.administration.limits import Limit


@dataclass(frozen=True)
class LimitRow:
    """A row of limits: what it means, where its owner is, how it goes."""

    href: str
    clear: str
    words: str


def limit_row(broker: str, item: Limit) -> LimitRow:
    """Return what a list draws of a limit."""
    of_vhost = item.of == "vhost"
    href = vhost_href(broker, item.name) if of_vhost else user_href(broker, item.name)
    clear = address("limit_clear", broker, of=item.of, name=item.name, limit=item.limit)
    return LimitRow(href, clear, limit_words(item.value))


def limit_words(value: int) -> str:
    """Return what is particular about a limit's value."""
    return _("none") if value < 0 else _("nothing is let in") if value == 0 else ""


def texts(limits: dict[str, int] | None) -> list[tuple[str, str]]:
    """Return the limits of a virtual host or a user as texts: name and value."""
    return [(name, str(value)) for name, value in (limits or {}).items()]
