"""mqadmin's own accounts on a broker: they are not changed from here, so that mqadmin does not lock itself out."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal


def names(broker: str) -> frozenset[str]:
    """Return the users that mqadmin signs in as, by AMQP and to the management API. Raises ConfigurationError."""
    config = brokers.config(broker)
    return frozenset((config.username, config.auth()[0]))


def why_not(broker: str, user: str) -> str:
    """Return why mqadmin does not change a user, "" where it may."""
    if user not in names(broker):
        return ""
    return _(
        "mqadmin itself signs in as “%(name)s”. Its account and its rights are not changed from here: mqadmin "
        "would lock itself out. Use rabbitmqctl, and then the configuration of mqadmin."
    ) % {"name": user}


def require_other(broker: str, user: str) -> None:
    """Raise Refusal (409 `own_account`) for an account of mqadmin's."""
    if why := why_not(broker, user):
        raise Refusal(why, "own_account")
