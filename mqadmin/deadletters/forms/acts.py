"""What comes from the dialogs that act: how carefully a requeue goes, what is changed in many letters."""

from __future__ import annotations

import json

from django import forms
from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.acts.patching import Change
from mqadmin.deadletters.requeue.requeue import Care


class Carefully(forms.Form):
    """How carefully a requeue goes: in watched steps, no faster than so much, only after a while."""

    canary = forms.BooleanField(required=False)
    canary_seconds = forms.FloatField(required=False, min_value=1, max_value=86_400, initial=60)
    rate = forms.FloatField(required=False, min_value=0.001, max_value=1_000_000)
    hold = forms.FloatField(required=False, min_value=0, max_value=86_400)

    @property
    def care(self) -> Care:
        """The same for the service. Raises Refusal (422) for what is no number or too large."""
        if not self.is_valid():
            name, errors = next(iter(self.errors.items()))
            raise Refusal(f"{name}: {' '.join(map(str, errors))}", "invalid", status=422)
        values = self.cleaned_data
        return Care(
            rate=values["rate"] or 0,
            hold_seconds=values["hold"] or 0,
            canary_seconds=(values["canary_seconds"] or 60) if values["canary"] else 0,
        )


class BulkEdit(forms.Form):
    """One change for many letters, in one of two ways."""

    way = forms.ChoiceField(choices=[("replace", "replace"), ("patch", "patch")], initial="replace")
    find = forms.CharField(required=False, strip=False, max_length=10_000)
    replace = forms.CharField(required=False, strip=False, max_length=10_000)
    patch = forms.CharField(required=False, max_length=100_000)

    @property
    def change(self) -> Change:
        """The same for the service. Raises Refusal (422) for what is no change."""
        if not self.is_valid():
            raise Refusal(_("Say what is to be changed."), "invalid", status=422)
        values = self.cleaned_data
        if values["way"] == "replace":
            return Change.from_json({"find": values["find"], "replace": values["replace"]})
        try:
            steps = json.loads(values["patch"] or "[]")
        except (ValueError, RecursionError) as error:
            raise Refusal(_("It is not JSON: %(why)s.") % {"why": error}, "invalid", status=422) from None
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise Refusal(_("A JSON Patch is a list of steps: [{ … }]."), "invalid", status=422)
        return Change.from_json({"patch": steps})


class RuleForm(forms.Form):
    """A rule that retries the letters of a queue or a cause."""

    vhost = forms.CharField(required=False, max_length=255, strip=False)
    source = forms.CharField(required=False, max_length=255, strip=False)
    group = forms.CharField(required=False, max_length=32)
    at_most = forms.IntegerField(initial=3)
    first_delay = forms.FloatField(initial=60)
    factor = forms.FloatField(initial=5)
    max_delay = forms.FloatField(initial=86_400)
    is_on = forms.BooleanField(required=False)

    def blame(self, fields: dict[str, str], text: str) -> None:
        """Put a refusal beside the fields that are to blame."""
        for name, words in (fields or {"": text}).items():
            self.add_error(name if name in self.fields else None, words)

    def shown(self) -> list[tuple[str, str, str, list[str]]]:
        """Return (name, label, value, errors) of the numbers."""
        labels = {
            "at_most": _("At most so many times"),
            "first_delay": _("First after (s)"),
            "factor": _("Each time longer by"),
            "max_delay": _("Never longer than (s)"),
        }
        return [
            (
                name,
                label,
                self.data.get(name) or f"{self.fields[name].initial:g}",
                [str(text) for text in self.errors.get(name, [])],
            )
            for name, label in labels.items()
        ]


class BreakerForm(forms.Form):
    """The circuit breaker of one consumer."""

    is_on = forms.BooleanField(required=False)
    number = forms.IntegerField()
    seconds = forms.FloatField()
    rest = forms.FloatField()
