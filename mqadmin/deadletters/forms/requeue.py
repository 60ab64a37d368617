"""Where a requeue goes, and how carefully."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from mqadmin.core.errors import Refusal
from mqadmin.deadletters.requeue.destinations import To
from mqadmin.deadletters.requeue.requeue import Care


class Destination(forms.Form):
    """Where a requeue goes, and with which headers."""

    to = forms.ChoiceField(
        choices=[
            ("source", _("Back to the queue each died in")),
            ("exchange", _("To the exchange each was published to")),
            ("given", _("Somewhere else")),
        ],
        initial="source",
        widget=forms.RadioSelect,
    )
    exchange = forms.CharField(required=False, max_length=255, strip=False)
    routing_key = forms.CharField(required=False, max_length=255, strip=False)
    keep_headers = forms.BooleanField(required=False)

    @property
    def place(self) -> To:
        """The destination. Raises Refusal (422) for one that is none."""
        if not self.is_valid():
            raise Refusal(str(_("Choose where the letters go.")), "invalid", status=422)
        values = self.cleaned_data
        if values["to"] != "given":
            return To(values["to"])
        if not values["exchange"] and not values["routing_key"]:
            raise Refusal(str(_("Name an exchange or a queue.")), "invalid", status=422)
        return To("given", values["exchange"], values["routing_key"] or None)

    @property
    def keeps_headers(self) -> bool:
        """Whether what other frameworks wrote into the headers goes with the copies."""
        return bool(self["keep_headers"].value())


class Carefully(forms.Form):
    """How carefully a requeue goes: in watched steps, no faster than so much, only after a while."""

    canary = forms.BooleanField(required=False)
    canary_seconds = forms.FloatField(required=False, min_value=1, max_value=86_400, initial=60)
    rate = forms.FloatField(required=False, min_value=0.001, max_value=1_000_000)
    hold = forms.FloatField(required=False, min_value=0, max_value=86_400)
    allow_loss = forms.BooleanField(required=False)

    @property
    def allows_loss(self) -> bool:
        """Whether somebody said that what the dry run calls a loss may be."""
        return bool(self["allow_loss"].value())

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
