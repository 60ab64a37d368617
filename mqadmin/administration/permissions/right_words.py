"""Rights in words: what an expression allows, what a user may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.core.pages import prose
from mqadmin.core.tones import Tone
from mqadmin.rabbit.administration.permissions import Permission, TopicPermission
from mqadmin.rabbit.topology import rights
from mqadmin.rabbit.topology.rights import Reach

KNOWN_TAGS = (
    ("administrator", gettext_lazy("administrator: may do everything, see everything, and give rights")),
    ("monitoring", gettext_lazy("monitoring: may see all connections, channels and nodes")),
    ("policymaker", gettext_lazy("policymaker: may set policies and parameters where the user has rights")),
    (
        "management",
        gettext_lazy("management: may use the management pages and API where the user has rights"),
    ),
    ("impersonator", gettext_lazy("impersonator: may publish messages with another user's name on them")),
)


@dataclass(frozen=True)
class Sentence:
    """What is said of a right. `tone`: "grey", or "amber" for what cannot be told or surprises."""

    text: str
    tone: Tone = "grey"


def reach(found: Reach, everything: str) -> str:
    """Return what an expression allows; `everything` is what it allows at most."""
    if found.kind == "nothing":
        return _("nothing")
    if found.kind == "everything":
        return everything
    names = _(" or ").join(f"“{part}”" for part in found.parts)
    return _KINDS[found.kind]() % {"names": names}


def name_reach(expression: str) -> str:
    """Return the same of an expression over names of queues and exchanges."""
    return reach(rights.reach(expression), _("every queue and exchange"))


def key_reach(expression: str) -> str:
    """Return the same of an expression over routing keys."""
    return reach(rights.reach(expression), _("every routing key"))


def effective(item: Permission, topics: Iterable[TopicPermission] = ()) -> list[Sentence]:
    """Return what a user may do in a virtual host; `topics`: the user's topic permissions there."""
    said = [
        Sentence(_one(item.read, _("May read nothing: no consuming, no getting."), _read())),
        Sentence(_one(item.write, _("May write to nothing: no publishing, no binding of queues."), _write())),
        _by_default_exchange(item),
        Sentence(_one(item.configure, _("May declare and delete nothing."), _configure())),
    ]
    return said + [_topic(item, topic) for topic in topics]


def _one(expression: str, nothing: str, some: str) -> str:
    return nothing if rights.reach(expression).kind == "nothing" else some % {"what": name_reach(expression)}


def _by_default_exchange(item: Permission) -> Sentence:
    may = rights.allows(item.write, rights.DEFAULT_EXCHANGE)
    if may is None:
        text = _("Whether the default exchange may be published to cannot be told: see RabbitMQ's log.")
        return Sentence(text, "amber")
    if may:
        text = _("May publish straight into every queue, by the default exchange (write on “amq.default”).")
        only_that = rights.reach(item.write).kind not in ("everything", "exactly")
        return Sentence(text, "amber" if only_that else "grey")
    return Sentence(_("May not publish by the default exchange (write on “amq.default”)."))


def _topic(item: Permission, topic: TopicPermission) -> Sentence:
    def keys(expression: str) -> str:
        return key_reach(rights.expanded(expression, user=item.user, vhost=item.vhost))

    values = {"exchange": topic.exchange, "write": keys(topic.write), "read": keys(topic.read)}
    text = _("On “%(exchange)s” by routing key: publishes with %(write)s; binds with %(read)s.") % values
    can_write, can_read = (rights.allows(one, topic.exchange) for one in (item.write, item.read))
    if can_write is False and can_read is False:
        text = prose.paragraph((text, _("That is of no use: the rights above do not allow that exchange.")))
        return Sentence(text, "amber")
    return Sentence(text)


_KINDS: dict[str, Callable[[], str]] = {
    "exactly": lambda: _("%(names)s alone"),
    "begins": lambda: _("what begins with %(names)s"),
    "ends": lambda: _("what ends with %(names)s"),
    "has": lambda: _("what has %(names)s in it"),
    "matches": lambda: _("what matches %(names)s"),
}


def _read() -> str:
    return _("May read from %(what)s: consume, get, purge; bind to such an exchange.")


def _write() -> str:
    return _("May write to %(what)s: publish to such an exchange, bind such a queue.")


def _configure() -> str:
    return _("May declare and delete %(what)s.")
