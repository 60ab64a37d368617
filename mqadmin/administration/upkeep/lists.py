"""What holds before a node is stopped, and before an upgrade: lists of findings, asked for while somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from mqadmin.administration.listing import kinds
from mqadmin.administration.listing.kinds import Kind, Name
from mqadmin.core.query.fields import Field, Vocabulary
from mqadmin.rabbit.administration import upkeep
from mqadmin.rabbit.upkeep.finding import LEVELS, Finding


def _kind(name: Name, ask: Callable[[Any], Sequence[Finding]]) -> Kind:
    return kinds.register(
        Kind(
            name=name,
            row=Finding,
            ask=ask,
            identity=("about", "order"),
            vocabulary=Vocabulary.of(
                (
                    Field("node", "name", ("about",), _("the node it is about")),
                    Field("level", "choice", ("level",), _("how bad it is"), LEVELS),
                ),
                {},
            ),
            sorts={"about": ("about", "order")},
            default_sort="about",
            placed_by=(),
            words=("code",),
        )
    )


STOPS = _kind("stops", upkeep.stops)
UPGRADE = _kind("upgrade", upkeep.before_upgrade)
