"""What a rule is about, and what it grants, in words."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mqadmin.core import brokers
from mqadmin.core.rights.rules import ANY, LEVELS, Rule
from mqadmin.rabbit.errors import ConfigurationError


def may(level: int) -> str:
    """Return what a level lets one do, in words; "" for none."""
    return {
        LEVELS["view"]: _("look"),
        LEVELS["operate"]: _("look, operate"),
        LEVELS["configure"]: _("look, operate, configure"),
    }.get(level, "")


def what(rule: Rule) -> str:
    """Return what a rule is about, in words."""
    broker = _broker(rule.broker)
    if rule.queue == ANY and rule.vhost == ANY:
        return broker
    vhost = _named(
        rule.vhost, _("each virtual host"), _("the virtual host %(name)s"), _("the virtual hosts %(name)s")
    )
    if rule.queue == ANY:
        return _("%(vhost)s of %(broker)s") % {"vhost": vhost, "broker": broker}
    queue = _named(rule.queue, "", _("the queue %(name)s"), _("the queues %(name)s"))
    return _("%(queue)s in %(vhost)s of %(broker)s") % {"queue": queue, "vhost": vhost, "broker": broker}


def _broker(pattern: str) -> str:
    if pattern == ANY:
        return _("every broker")
    try:
        titles = brokers.titles()
    except ConfigurationError:
        titles = {}
    return (
        titles.get(pattern, pattern) if ANY not in pattern else _("the brokers %(name)s") % {"name": pattern}
    )


def _named(pattern: str, every: str, one: str, some: str) -> str:
    if pattern == ANY:
        return every
    return (some if ANY in pattern else one) % {"name": pattern}
