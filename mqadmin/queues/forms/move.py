"""Where the messages of a queue move to."""

from __future__ import annotations

from django import forms

from mqadmin.queues.forms.purge import TypedForm


class MoveForm(TypedForm):
    """Where to, and how many; empty: all. `allow_loss`: also where some would be dropped there."""

    to_queue = forms.CharField(max_length=255, strip=False)
    allow_loss = forms.BooleanField(required=False)
    count = forms.IntegerField(required=False, min_value=1, max_value=2**62)
