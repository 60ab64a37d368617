"""Where the messages of a queue move to."""

from __future__ import annotations

from django import forms

from mqadmin.queues.forms.purge import TypedForm


class MoveForm(TypedForm):
    """Where to, and how many; empty: all."""

    to_queue = forms.CharField(max_length=255, strip=False)
    count = forms.IntegerField(required=False, min_value=1, max_value=2**62)
