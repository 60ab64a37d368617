"""A tap to start, a set to keep, a replay to begin."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.administration.acting.forms import ActForm
from mqadmin.passing.acts import replaying, taps


class TapForm(ActForm):
    """What a tap is started with, besides what it is on."""

    query = forms.CharField(
        required=False,
        max_length=2000,
        label=_("Only messages that match"),
        help_text=_(
            "Words, or id:A-17 key:orders.* header.tenant:acme payload.total>100 size>10k. Empty: all."
        ),
    )
    rate = forms.IntegerField(
        initial=taps.RATE,
        min_value=1,
        max_value=taps.MOST_RATE,
        label=_("Messages a second, at most"),
        help_text=_("Where more pass, some are shown, and how many were not is said."),
    )
    minutes = forms.IntegerField(
        initial=taps.MINUTES,
        min_value=1,
        max_value=taps.MOST_MINUTES,
        label=_("Minutes, then it ends by itself"),
    )
    use_firehose = forms.BooleanField(required=False, label=_("Use the firehose"))


class ReplayForm(ActForm):
    """Where what was seen is published to, and how fast."""

    to_queue = forms.CharField(label=_("To the queue"), strip=False, max_length=255)
    rate = forms.IntegerField(
        initial=0,
        min_value=0,
        max_value=replaying.MOST_RATE,
        label=_("Messages a second"),
        help_text=_("0: at the pace in which they came."),
    )
    even_original = forms.BooleanField(
        required=False, label=_("Also to a queue that got these messages already")
    )
    allow_loss = forms.BooleanField(required=False, label=_("Also where the queue would drop some"))


class KeepForm(ActForm):
    """What a set is called."""

    title = forms.CharField(max_length=80, label=_("Title"))
