"""The lists of feature flags and of deprecated features."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import flags

_STATES = ("enabled", "disabled", "unavailable", "state_changing")
_STABILITIES = ("stable", "required", "experimental")
_PHASES = ("permitted_by_default", "denied_by_default", "disconnected", "removed")

FLAGS = kinds.register(
    Kind(
        name="feature-flags",
        row=flags.Flag,
        ask=flags.listed,
        identity=("name",),
        vocabulary=Vocabulary.of(
            (
                Field("name", "name", ("name",), _("its name")),
                Field("state", "choice", ("state",), _("whether it is enabled"), _STATES),
                Field("stability", "choice", ("stability",), _("how sure RabbitMQ is of it"), _STABILITIES),
                Field("about", "name", ("about",), _("what it is")),
                Field("from", "name", ("provided_by",), _("what it is of: rabbit, or a plugin")),
            ),
            {"plugin": "from"},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={
            "state": ("state", "stability", "name"),
            "stability": ("stability", "name"),
            "name": ("name",),
        },
        default_sort="state",
        placed_by=(),
        words=("name", "about"),
    )
)

DEPRECATED = kinds.register(
    Kind(
        name="deprecated-features",
        row=flags.Deprecated,
        ask=flags.deprecated,
        identity=("name",),
        vocabulary=Vocabulary.of(
            (
                Field("name", "name", ("name",), _("its name")),
                Field("phase", "choice", ("phase",), _("how near its end is"), _PHASES),
                Field("is", "flag", (), _("used"), ("used",)),
            ),
            {},
            has_patterns=True,
            has_colons=True,
        ),
        sorts={"used": ("used", "name"), "name": ("name",), "phase": ("phase", "name")},
        default_sort="-used",
        placed_by=(),
        flags={"used": ("used", bool)},
    )
)
