"""The form that brings a file of definitions: pasted or chosen, looked at first, then done."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from consumers.files import document


class ImportForm(forms.Form):
    """`text` is what was pasted, or what the chosen file holds: it goes along until it is decided.

    `mark`: of the plan that was shown, "" where none was. `is_own`: the configured file is meant, not a text.
    """

    text = forms.CharField(required=False, strip=False)
    file = forms.FileField(required=False)
    mark = forms.CharField(required=False)
    own = forms.BooleanField(required=False)
    start = forms.BooleanField(required=False)
    typed = forms.CharField(required=False)

    def clean(self) -> dict[str, Any]:
        """Take the text from the file where one was chosen."""
        found = self.cleaned_data
        given = found.get("file")
        if given is not None:
            data = given.read(document.LARGEST + 1)
            if len(data) > document.LARGEST:
                self.add_error("text", _("The file is larger than 512 kB."))
            else:
                found["text"] = data.decode("utf-8-sig", "replace")
        elif len(found.get("text", "")) > document.LARGEST:
            self.add_error("text", _("The file is larger than 512 kB."))
        if not found.get("own") and not found.get("text") and not self.errors:
            self.add_error("text", _("Paste the definitions, or choose a file."))
        return found
