"""What RabbitMQ refuses a user: which tag or permission is missing, read from its words. Pure.

The management API answers 401 for a wrong password and for every right that is missing; only its reason tells them
apart (rabbit_mgmt_util.erl; tried on 3.10.8, 4.0.5 and 4.3.6). AMQP names the object, and from 3.11 on also the
permission (rabbit_access_control.erl).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TAGS = {
    "management": "management",
    "policymaker": "policymaker",
    "monitor": "monitoring",
    "monitoring": "monitoring",
    "administrator": "administrator",
}
_MISSING_TAG = re.compile(r"Not (?:a )?(\w+?)(?: user)?")
_LOGIN = ("login failed", "not_authorized", "")
_REFUSED = re.compile(
    r"(?:(?P<right>configure|write|read) )?access to (?P<kind>queue|exchange|topic) '(?P<name>.*)'"
    r"(?: in exchange '(?P<exchange>.*)')? in vhost '(?P<vhost>.*)' refused for user '(?P<user>.*?)'",
    re.DOTALL,
)
# What RabbitMQ up to 3.10 leaves open.
_RIGHTS_BY_KIND = {
    "queue": "a permission on queue “%s” (read to take its messages, configure to declare it, write to bind it)",
    "exchange": "a permission on exchange “%s” (write to publish, configure to declare it, read to bind to it)",
    "topic": "a permission on topic “%s”",
}
# All that the management API says of an ACCESS_REFUSED on the connection that it makes for a call: also for a name
# with the prefix amq. (tried on 3.10.8, 4.0.5 and 4.3.6).
_UNSAID = (
    "The broker refused it to the user “%s” and does not say why: the user has no permission in this virtual host, "
    "or lacks one on what this is about, or the name is RabbitMQ's own (those that begin with “amq.”)."
)


@dataclass(frozen=True)
class Refusal:
    """A refusal: `code` for programs, `text` for people."""

    code: str
    text: str


def words(reason: Any) -> str:
    """Return the reason that an answer gives as text, "" for none.

    RabbitMQ 3.10 writes a text inside an Erlang tuple as the numbers of its bytes: `["vhost_limit_exceeded",
    [65, 100, ...]]` (tried: definitions with more queues than a virtual host may have).
    """
    if isinstance(reason, list):
        if reason and all(type(item) is int and 0 <= item < 256 for item in reason):
            return bytes(reason).decode("utf-8", "replace")
        return ": ".join(text for item in reason if (text := words(item)))
    return "" if reason is None else str(reason)


def of_management(reason: str, user: str, where: str) -> Refusal:
    """Return what a 401 or 403 of the management API at `where` means for `user`."""
    tag = _MISSING_TAG.fullmatch(reason)
    if tag is not None and tag[1] in TAGS:
        return _without_tag(TAGS[tag[1]], user, where)
    if reason.lower() in _LOGIN:
        said = f": {reason}" if reason else ""
        return Refusal("login_refused", f"The management API at {where} refused the login of “{user}”{said}.")
    if "via localhost" in reason:
        text = f"RabbitMQ lets the user “{user}” in from its own machine only. Make another user for mqadmin."
        return Refusal("local_user_only", text)
    if reason == "Access refused.":
        return Refusal("access_refused", _UNSAID % user)
    if "virtual host" in reason:
        return Refusal("vhost_refused", f"The user “{user}” has no permission on this virtual host.")
    denied = of_amqp(reason)
    if denied:
        return Refusal("access_refused", denied)
    return Refusal("access_refused", f"The management API at {where} refused it to “{user}”: {reason}.")


def of_amqp(reply_text: str) -> str:
    """Return in a sentence which permission an ACCESS_REFUSED misses, "" where it does not say so."""
    found = _REFUSED.search(reply_text)
    if found is None:
        return ""
    kind, name, right = found["kind"], found["name"], found["right"]
    if kind == "exchange" and name == "amq.default":
        what = "the write permission on the default exchange (amq.default)"
    elif right:
        what = f"the {right} permission on {kind} “{name}”"
    else:
        what = _RIGHTS_BY_KIND[kind] % name
    place = f" in exchange “{found['exchange']}”" if found["exchange"] else ""
    return (
        f"The broker refused it: the user “{found['user']}” lacks {what}{place} in vhost “{found['vhost']}” "
        "(rabbitmqctl set_permissions gives it)."
    )


def _without_tag(tag: str, user: str, where: str) -> Refusal:
    if tag == "management":
        text = (
            f"The user “{user}” may log in, but not use the management API at {where}: it has none of its tags. "
            "mqadmin needs “monitoring” (rabbitmqctl set_user_tags)."
        )
    else:
        text = f"The user “{user}” lacks the tag “{tag}” (rabbitmqctl set_user_tags)."
    return Refusal("tag_missing", text)
