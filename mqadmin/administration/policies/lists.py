"""The list of policies and operator policies."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import policies

FIELDS = (
    Field("name", "name", ("name",), _("its name: name:limits*")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
    Field("pattern", "text", ("pattern",), _("a part of its pattern")),
    Field("for", "name", ("apply_to",), _("all, queues, exchanges, quorum_queues, …")),
    Field("priority", "number", ("priority",), _("the highest that matches applies: priority>5")),
    Field("queues", "number", ("queues",), _("queues that its pattern matches: queues:0")),
    Field("exchanges", "number", ("exchanges",), _("exchanges that its pattern matches")),
    Field("wins", "number", ("queues_won",), _("queues that it applies to")),
    Field("definition", "table", ("definition",), _("a key: definition.max-length:1000")),
    Field("is", "flag", (), _("operator: an operator policy"), ("operator",)),
)
VOCABULARY = Vocabulary.of(
    FIELDS, {"apply_to": "for", "key": "definition"}, has_patterns=True, has_colons=True
)

POLICIES = kinds.register(
    Kind(
        name="policies",
        row=policies.Policy,
        ask=policies.listed,
        identity=("vhost", "name", "kind"),
        vocabulary=VOCABULARY,
        sorts={
            "name": ("name", "vhost", "kind"),
            "vhost": ("vhost", "name", "kind"),
            "priority": ("priority", "vhost", "name", "kind"),
            "pattern": ("pattern", "vhost", "name", "kind"),
            "queues": ("queues", "vhost", "name", "kind"),
            "wins": ("queues_won", "vhost", "name", "kind"),
        },
        default_sort="-priority",
        words=("name", "pattern"),
        flags={"operator": ("kind", lambda kind: kind == "operator")},
    )
)
