"""What rights would allow, and what a user leaves behind: what the dialogs of users and rights show besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mqadmin.administration.effects import providers, touched
from mqadmin.administration.permissions import rights
from mqadmin.core import brokers
from mqadmin.core.hooks import Panel
from mqadmin.core.pages.formats import number
from mqadmin.rabbit.administration import permissions

MOST = 25


def register() -> None:
    """Have the dialogs of users and rights show it."""
    providers.register("permission.set", rights.allowed)
    providers.register("topic_permission.set", rights.allowed_topic)
    providers.register("broker_user.delete", _user_gone)


def _user_gone(slug: str, values: Mapping[str, Any]) -> Panel:
    """Tell of a user's connections, which are closed, and of the rights that go. Asks the broker."""
    name, client = values["name"], brokers.for_page(slug)
    open_now = sum(item.user == name for item in client.connections())
    inside = sorted(item.vhost for item in permissions.listed(client) if item.user == name)
    levels = []
    if open_now:
        text = ngettext("%(n)s connection is closed.", "%(n)s connections are closed.", open_now)
        levels.append(_level(_("Stops"), "red", [text % {"n": number(open_now)}]))
    if inside:
        words = _("The rights in the virtual host “%(vhost)s” go.")
        levels.append(_level(_("To be known"), "grey", [words % {"vhost": vhost} for vhost in inside]))
    return Panel(touched.TEMPLATE, {"levels": levels, "queues": [], "more_queues": 0})


def _level(title: str, tone: str, sentences: list[str]) -> dict[str, Any]:
    return {
        "title": title,
        "tone": tone,
        "sentences": sentences[:MOST],
        "more": max(0, len(sentences) - MOST),
    }
