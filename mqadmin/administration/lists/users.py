"""The lists of users, and of the limits that users and virtual hosts have."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.lists import kinds
from mqadmin.administration.lists.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import limits, users

FLAGS = ("without_password", "without_vhost", "without_tag", "limited")
USER_FIELDS = (
    Field("name", "name", ("name",), _("the name: name:shop*, name:/^app/")),
    Field("tag", "names", ("tags",), _("a tag: tag:administrator")),
    Field("vhost", "names", ("vhosts",), _("a virtual host that the user may enter: vhost:shop")),
    Field("algorithm", "name", ("algorithm",), _("how the password is hashed: algorithm:*sha512")),
    Field("limit", "table", ("limits",), _("a limit: limit.max-connections>100")),
    Field("is", "flag", (), ", ".join(FLAGS), FLAGS),
)
LIMIT_FIELDS = (
    Field("of", "choice", ("of",), _("of a virtual host, or of a user"), ("vhost", "user")),
    Field("name", "name", ("name",), _("its name: name:shop*")),
    Field("limit", "name", ("limit",), _("which limit: limit:max-queues")),
    Field("value", "real", ("value",), _("its value: value<10")),
)

USERS = kinds.register(
    Kind(
        name="users",
        row=users.User,
        ask=users.listed,
        identity=("name",),
        vocabulary=Vocabulary.of(
            USER_FIELDS,
            {"tags": "tag", "vhosts": "vhost", "user": "name", "limits": "limit"},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={"name": ("name",), "algorithm": ("algorithm", "name")},
        default_sort="name",
        flags={
            "without_password": ("has_password", lambda has: not has),
            "without_vhost": ("vhosts", lambda found: not found),
            "without_tag": ("tags", lambda found: not found),
            "limited": ("limits", bool),
        },
    )
)

LIMITS = kinds.register(
    Kind(
        name="limits",
        row=limits.Limit,
        ask=limits.listed,
        identity=("of", "name", "limit"),
        vocabulary=Vocabulary.of(LIMIT_FIELDS, {}, has_patterns=True, has_colons=True),
        sorts={
            "name": ("name", "of", "limit"),
            "of": ("of", "name", "limit"),
            "limit": ("limit", "name", "of"),
            "value": ("value", "name", "limit"),
        },
        default_sort="name",
        words=("name", "limit"),
    )
)
