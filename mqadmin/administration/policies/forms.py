"""A policy: fields for the keys that people set, JSON for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mqadmin.administration.acting.forms import ActForm, ArgumentsField, free_text
from mqadmin.administration.policies import words
from mqadmin.core.pages.forms import style
from mqadmin.rabbit.topology import policy_keys
from mqadmin.rabbit.topology.policy_keys import Key, Version

PREFIX = "key-"
_FIRST = ("vhost", "name", "pattern", "apply_to", "priority")


class PolicyForm(ActForm):
    """What a policy is set with. `version`: the broker's, which decides about the keys; `is_new`: it names itself.

    `values` are what the service takes: the keys of the fields and of the JSON in one `definition`.
    """

    vhost = forms.ChoiceField(label=gettext_lazy("Virtual host"))
    name = free_text(gettext_lazy("Name"))
    pattern = free_text(
        gettext_lazy("Pattern"),
        gettext_lazy(
            "A regular expression, found anywhere in a name: ^orders begins with it, ^orders$ is that alone."
        ),
    )
    apply_to = forms.ChoiceField(label=gettext_lazy("For"), initial="queues")
    priority = forms.IntegerField(
        label=gettext_lazy("Priority"),
        initial=0,
        help_text=gettext_lazy(
            "Of all that match, the one of the highest priority applies, as a whole; no other."
        ),
    )
    rest = ArgumentsField(
        label=gettext_lazy("Other keys"),
        help_text=gettext_lazy('What has no field above, as a JSON object: {"ha-params": 2}.'),
    )

    def __init__(
        self,
        *args: Any,
        vhosts: Sequence[str] = (),
        version: Version | None = None,
        by_operator: bool = False,
        is_new: bool = True,
        definition: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.keys = policy_keys.known(version, by_operator=by_operator)
        super().__init__(*args, **kwargs)
        self._place_fields(vhosts, version, is_new)
        typed = {key.name for key in self.keys}
        given = dict(definition or {})
        for key in self.keys:
            self.fields[PREFIX + key.name] = _field(key, given.get(key.name))
            if not _fits(key, given.get(key.name)):
                typed.discard(key.name)  # what its field cannot show stays among the others
        for name in typed & given.keys():
            self.initial[PREFIX + name] = given[name]
        others = {name: value for name, value in given.items() if name not in typed}
        if others:
            self.initial["rest"] = _json(others)
        self.order_fields([*_FIRST, *(PREFIX + key.name for key in self.keys), "rest", "typed"])
        style(self)

    def _place_fields(self, vhosts: Sequence[str], version: Version | None, is_new: bool) -> None:
        if is_new:
            self.fields["vhost"].choices = [(name, name) for name in vhosts]  # type: ignore[attr-defined]
        else:
            del self.fields["vhost"], self.fields["name"]
        choices = [(kind, words.apply_to(kind)) for kind in policy_keys.apply_to(version)]
        now = self.initial.get("apply_to")
        if now and now not in dict(choices):
            choices.append((now, now))
        self.fields["apply_to"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        definition: dict[str, Any] = {}
        for key in self.keys:
            value = found.pop(PREFIX + key.name, None)
            if value not in (None, ""):
                definition[key.name] = value
        rest = found.pop("rest", None) or {}
        if twice := sorted(definition.keys() & rest.keys()):
            self.add_error("rest", ValidationError(_("%(key)s has a field above.") % {"key": twice[0]}))
        found["definition"] = {**definition, **rest}
        return found

    def first_fields(self) -> Iterator[forms.BoundField]:
        """Yield the fields of what the policy is for."""
        return (self[name] for name in _FIRST if name in self.fields)

    def groups(self) -> Iterator[tuple[str | Promise, list[forms.BoundField], bool]]:
        """Yield the fields of keys by what they are about; the truth: whether any of them says something."""
        known = {key.name for key in self.keys}
        for title, keys in words.GROUPS:
            fields = [self[PREFIX + name] for name in keys if name in known]
            if fields:
                yield title, fields, any(field.value() not in (None, "") or field.errors for field in fields)


def _field(key: Key, now: Any) -> forms.Field:
    named: dict[str, Any] = {
        "required": False,
        "label": words.label(key),
        "help_text": words.help_text(key),
    }
    if key.takes == "number":
        return forms.IntegerField(min_value=key.least, max_value=2**53, **named)
    if key.takes == "choice":
        known = [*key.choices, *([now] if isinstance(now, str) and now not in key.choices else [])]
        return forms.ChoiceField(choices=[("", _("not set")), *((name, name) for name in known)], **named)
    return forms.CharField(strip=False, **named)


def _fits(key: Key, value: Any) -> bool:
    if key.takes == "number":
        return isinstance(value, int) and not isinstance(value, bool) and value >= key.least
    return isinstance(value, str) and bool(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
