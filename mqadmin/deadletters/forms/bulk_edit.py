"""One change for many letters."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.acts.patching import Change
from mqadmin.rabbit.reading import jsontext


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
            steps = jsontext.exact(values["patch"] or "[]")
        except (ValueError, RecursionError) as error:
            raise Refusal(_("It is not JSON: %(why)s.") % {"why": error}, "invalid", status=422) from None
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise Refusal(_("A JSON Patch is a list of steps: [{ … }]."), "invalid", status=422)
        return Change.from_json({"patch": steps})
