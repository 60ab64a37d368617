"""Where virtual hosts and users are."""

from __future__ import annotations

from mqadmin.administration.pages.naming import address


def vhost_href(broker: str, name: str) -> str:
    """Return the address of a virtual host's page."""
    return address("vhost_detail", broker, name=name)


def user_href(broker: str, name: str) -> str:
    """Return the address of a user's page."""
    return address("user_detail", broker, name=name)
