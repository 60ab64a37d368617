"""The list of the limits that users and virtual hosts have."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import limits

FIELDS = (
    Field("of", "choice", ("of",), _("of a virtual host, or of a user"), ("vhost", "user")),
    Field("name", "name", ("name",), _("its name: name:shop*")),
    Field("limit", "name", ("limit",), _("which limit: limit:max-queues")),
    Field("value", "real", ("value",), _("its value: value<10")),
)

LIMITS = kinds.register(
    Kind(
        name="limits",
        row=limits.Limit,
        ask=limits.listed,
        identity=("of", "name", "limit"),
        vocabulary=Vocabulary.of(FIELDS, {}, has_patterns=True, has_colons=True),
        sorts={
            "name": ("name", "of", "limit"),
            "of": ("of", "name", "limit"),
            "limit": ("limit", "name", "of"),
            "value": ("value", "name", "limit"),
        },
        default_sort="name",
        words=("name", "limit"),
        placed_by=("of", "name"),
        place=lambda of, name: (name if of == "vhost" else None, None),
    )
)
