"""Which letters a page is about: the inbox's filter, and what a dialog was opened for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext

from mqadmin.core import brokers
from mqadmin.core.errors import Refusal
from mqadmin.deadletters.models import DeadLetter
from mqadmin.deadletters.search import searching, selection
from mqadmin.deadletters.search.selection import Filter, Selection
from mqadmin.rabbit.numbers import whole

ALL = "all"  # in an address: letters of every status
_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]


class LetterFilter(forms.Form):
    """The inbox's filter. What cannot be read does not filter."""

    status = forms.ChoiceField(required=False, choices=[*DeadLetter.Status.choices, (ALL, ALL)])
    source = forms.CharField(required=False, max_length=255, strip=False)
    queue = forms.CharField(required=False, max_length=255, strip=False)
    vhost = forms.CharField(required=False, max_length=255, strip=False)
    reason = forms.ChoiceField(required=False, choices=DeadLetter.Reason.choices)
    group = forms.CharField(required=False, max_length=32)
    q = forms.CharField(required=False, max_length=500)
    since = forms.DateTimeField(required=False, input_formats=_FORMATS)
    until = forms.DateTimeField(required=False, input_formats=_FORMATS)
    operation = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    def __init__(self, data: QueryDict | MultiValueDict[str, Any] | Mapping[str, Any], broker: str) -> None:
        super().__init__(data)
        self.broker = broker
        self.is_valid()

    def clean_q(self) -> str:
        return searching.checked(self.cleaned_data["q"])

    @property
    def wanted(self) -> Filter:
        """The filter; parked letters where no status is asked for."""
        values = {name: self.cleaned_data.get(name) for name in self.fields}
        status = values.pop("status") or DeadLetter.Status.PARKED.value
        if values["operation"] and not self.data.get("status"):
            status = ALL  # the letters of an operation, whatever became of them
        known = {name: value for name, value in values.items() if value}
        return Filter(self.broker, status="" if status == ALL else status, **known)

    @property
    def query(self) -> str:
        """The search as it was typed, whether or not it can be read."""
        return str(self.data.get("q") or "")

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the status is asked for."""
        return any(self.cleaned_data.get(name) for name in self.fields if name != "status")


def chosen(data: QueryDict, broker: str, status: str) -> Selection:
    """Return which letters a dialog is about: ticked `ids`, or with `all` those that match and have `status`.

    Raises Refusal (422) when nothing is selected, or when the filter cannot be read: without it, it would be
    about more letters than were meant.
    """
    if data.get(ALL):
        form = LetterFilter(data, broker)
        if form.errors.keys() - {"status"}:
            raise Refusal(
                gettext("The filter cannot be read. Look at the list again."), "invalid", status=422
            )
        known = {**form.wanted.to_json(), "status": status}
        return selection.all_that_match(Filter.from_json(known), _number(data, "up_to"))
    ids = [number for value in data.getlist("ids") if (number := whole(value)) is not None]
    return selection.some(broker, ids)


def chosen_each(data: QueryDict, scope: str, status: str) -> list[Selection]:
    """Return the same of each broker of a scope that has some: an act is one for each. Raises Refusal (422)."""
    if scope != brokers.EVERY:
        return [chosen(data, scope, status)]
    found = []
    for slug in brokers.within(scope):
        try:
            letters = chosen(data, slug, status)
        except Refusal as refusal:
            if refusal.code != "nothing_selected":
                raise
            continue
        if letters.filter is None:  # those that were ticked are of any broker
            own = tuple(letters.rows().order_by("pk").values_list("pk", flat=True))
            letters = replace(letters, ids=own)
        if letters.rows().exists():
            found.append(letters)
    return found or [selection.some(scope, ())]


def expected(data: QueryDict) -> int | None:
    """Return how many letters the person was shown, None when the dialog did not say."""
    return _number(data, "expect")


def _number(data: QueryDict, name: str) -> int | None:
    """Return a number that guards an act, None where none was sent. Raises Refusal for what is no number."""
    value = data.get(name, "")
    if not value:
        return None
    number = whole(value)
    if number is None:
        raise Refusal(gettext("%(name)s must be a whole number.") % {"name": name}, "invalid", status=422)
    return number
