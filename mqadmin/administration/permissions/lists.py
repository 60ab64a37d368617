"""The lists of permissions and of topic permissions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import permissions

_WHO = (
    Field("user", "name", ("user",), _("the user: user:shop*")),
    Field("vhost", "name", ("vhost",), _("the virtual host")),
)
_WHAT = (
    Field("write", "name", ("write",), _('the expression itself: write:".*"')),
    Field("read", "name", ("read",), _('the expression itself: read:".*"')),
)
FIELDS = (*_WHO, Field("configure", "name", ("configure",), _("the expression itself")), *_WHAT)
TOPIC_FIELDS = (*_WHO, Field("exchange", "name", ("exchange",), _("the topic exchange")), *_WHAT)

PERMISSIONS = kinds.register(
    Kind(
        name="permissions",
        row=permissions.Permission,
        ask=permissions.listed,
        identity=("vhost", "user"),
        vocabulary=Vocabulary.of(FIELDS, {"name": "user"}, has_patterns=True, has_colons=True),
        sorts={"user": ("user", "vhost"), "vhost": ("vhost", "user")},
        default_sort="user",
        words=("user", "vhost"),
    )
)

TOPIC_PERMISSIONS = kinds.register(
    Kind(
        name="topic_permissions",
        row=permissions.TopicPermission,
        ask=permissions.topics,
        identity=("vhost", "user", "exchange"),
        vocabulary=Vocabulary.of(TOPIC_FIELDS, {"name": "user"}, has_patterns=True, has_colons=True),
        sorts={
            "user": ("user", "vhost", "exchange"),
            "vhost": ("vhost", "user", "exchange"),
            "exchange": ("exchange", "vhost", "user"),
        },
        default_sort="user",
        words=("user", "vhost", "exchange"),
    )
)
