"""The list of users."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import users

FLAGS = ("without_password", "without_vhost", "without_tag", "limited")
FIELDS = (
    Field("name", "name", ("name",), _("the name: name:shop*, name:/^app/")),
    Field("tag", "names", ("tags",), _("a tag: tag:administrator")),
    Field("vhost", "names", ("vhosts",), _("a virtual host that the user may enter: vhost:shop")),
    Field("algorithm", "name", ("algorithm",), _("how the password is hashed: algorithm:*sha512")),
    Field("limit", "table", ("limits",), _("a limit: limit.max-connections>100")),
    Field("is", "flag", (), ", ".join(FLAGS), FLAGS),
)

USERS = kinds.register(
    Kind(
        name="users",
        row=users.User,
        ask=users.listed,
        identity=("name",),
        vocabulary=Vocabulary.of(
            FIELDS,
            {"tags": "tag", "vhosts": "vhost", "user": "name", "limits": "limit"},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={"name": ("name",), "algorithm": ("algorithm", "name")},
        placed_by=(),
        default_sort="name",
        flags={
            "without_password": ("has_password", lambda has: not has),
            "without_vhost": ("vhosts", lambda found: not found),
            "without_tag": ("tags", lambda found: not found),
            "limited": ("limits", bool),
        },
    )
)
