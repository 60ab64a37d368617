"""Rights of a user in a virtual host, and on a topic exchange."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm, free_text
from mqadmin.rabbit.topology import rights

HOW = (
    ("everything", _("everything")),
    ("nothing", _("nothing")),
    ("own", _("what this expression matches")),
)


class _RightsForm(ActForm):
    """Each right is a choice, and an expression where that is chosen. `given`: what the address says already."""

    rights: Sequence[str] = ()

    user = free_text(_("User"))
    vhost = forms.ChoiceField(label=_("Virtual host"), required=False)

    def __init__(self, *args: Any, vhosts: Sequence[str], given: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.given = given
        self.fields["vhost"].choices = [(name, name) for name in vhosts]  # type: ignore[attr-defined]
        for name in given:
            del self.fields[name]

    @property
    def values(self) -> dict[str, Any]:
        found = {**super().values, **self.given}
        for right in self.rights:
            how = found.pop(f"{right}_how")
            found[right] = {"everything": rights.EVERYTHING, "nothing": rights.NOTHING}.get(how, found[right])
        return found

    @classmethod
    def initial_of(cls, expressions: dict[str, str]) -> dict[str, str]:
        """Return what the form begins with for these expressions."""
        found = dict(expressions)
        for right in cls.rights:
            expression = expressions.get(right, "")
            kind = rights.reach(expression).kind
            found[f"{right}_how"] = kind if kind in ("everything", "nothing") else "own"
        return found


def _how(label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=HOW, initial="nothing")


def _expression(label: Any) -> forms.CharField:
    attrs = {"spellcheck": "false", "placeholder": r"^orders\.", "aria-label": label}
    return forms.CharField(required=False, strip=False, label="", widget=forms.TextInput(attrs=attrs))


class PermissionForm(_RightsForm):
    """What a user may do in a virtual host."""

    rights = rights.RIGHTS

    read_how = _how(_("May read (consume, get, purge, bind to an exchange)"))
    read = _expression(_("Expression for read"))
    write_how = _how(_("May write to (publish to an exchange, bind a queue)"))
    write = _expression(_("Expression for write"))
    configure_how = _how(_("May configure (declare, delete)"))
    configure = _expression(_("Expression for configure"))
    try_name = free_text(
        _("Try a name"),
        _("Of a queue or an exchange, then “Show what it touches”. The default exchange is amq.default."),
    )


class TopicPermissionForm(_RightsForm):
    """With which routing keys a user may publish to a topic exchange, and bind to it."""

    rights = ("write", "read")

    exchange = forms.CharField(label=_("Topic exchange"), strip=False, initial="amq.topic")
    write_how = _how(_("May publish with routing keys"))
    write = _expression(_("Expression for write"))
    read_how = _how(_("May bind and consume with routing keys"))
    read = _expression(_("Expression for read"))
    try_name = free_text(_("Try a routing key"), _("{username} and {vhost} in an expression are replaced."))
