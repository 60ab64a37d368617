"""What is shown of virtual hosts: a row of their list."""

from __future__ import annotations

from dataclasses import dataclass

from mqadmin.administration.limits.pages import texts
from mqadmin.administration.listed.places import vhost_href
from mqadmin.rabbit.administration.vhosts import Vhost


@dataclass(frozen=True)
class VhostRow:
    """A row of the list: where it leads, what is wrong with it, its limits as texts."""

    href: str
    stopped: list[str]
    limits: list[tuple[str, str]]


def vhost_row(broker: str, item: Vhost) -> VhostRow:
    """Return what the list draws of a virtual host."""
    return VhostRow(vhost_href(broker, item.name), item.stopped_on, texts(item.limits))
