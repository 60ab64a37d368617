"""Where exchanges, virtual hosts and users have their pages."""

from __future__ import annotations

from mqadmin.administration.listed.naming import address


def vhost_href(broker: str, name: str) -> str:
    """Return the address of a virtual host's page."""
    return address("vhost_detail", broker, name=name)


def user_href(broker: str, name: str) -> str:
    """Return the address of a user's page."""
    return address("user_detail", broker, name=name)


def exchange_href(broker: str, vhost: str, name: str) -> str:
    """Return the address of an exchange's page."""
    return address("exchange_detail", broker, vhost=vhost, name=name)
